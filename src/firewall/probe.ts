import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type MalformedReason,
  malformedReasons,
  malformedSlot,
  PASSED_BY_DEFAULT,
  SYN_COOKIE_ANSWERED,
  SYN_COOKIE_BAD,
} from '../rules/counters.ts'
import type { Live } from './live.ts'
import type { Manifest, ManifestRule } from './manifest.ts'
import { kindOf, verdictOf } from './slots.ts'
import { Twin, type TwinRun } from './twin.ts'
import type { Probe, ProbeReport } from './types.ts'

const XDP_DROP = 1

/** Smallest frame that a test run takes, and that any driver hands up. */
const SHORTEST = 14

/** Packets between two turns of the event loop. */
const TURN = 500

/**
 * Runs packets through a twin of the live program, see {@link Twin}; nothing of the live state changes. Limits begin anew with each
 * call, and see its packets one after the other.
 */
export async function probe(live: Live, packets: readonly Uint8Array[]): Promise<ProbeReport> {
  const twin = await Twin.load(live)
  try {
    const reader = new ProbeReader(live.manifest)
    const probes: Probe[] = []
    for (const packet of packets) {
      probes.push(packet.length < SHORTEST ? reader.tooShort() : reader.read(twin.run(packet)))
      if (probes.length % TURN === 0) await nextTurn()
    }
    return { program: twin.described, probes }
  } finally {
    twin.close()
  }
}

/** Tells from the slots that a program counted in what it decided. */
class ProbeReader {
  readonly #manifest: Manifest
  readonly #rules: ReadonlyMap<number, ManifestRule>

  constructor(manifest: Manifest) {
    this.#manifest = manifest
    this.#rules = new Map(manifest.rules.map((rule) => [rule.slot, rule]))
  }

  /** A driver does not hand such a frame up; the program would say the same. */
  tooShort(): Probe {
    const reason: MalformedReason = 'eth_truncated'
    return { verdict: this.#manifest.malformed, decidedBy: `malformed:${reason}`, matched: [] }
  }

  read({ result, counted }: TwinRun): Probe {
    const rules = counted.flatMap((slot) => this.#rules.get(slot) ?? [])
    const decider = counted.find((slot) => this.#decides(slot))
    return {
      verdict: result === XDP_DROP ? 'drop' : 'pass',
      decidedBy: decider === undefined ? 'nothing' : describeSlot(this.#manifest, decider),
      matched: rules.map((rule) => rule.id),
    }
  }

  #decides(slot: number): boolean {
    const rule = this.#rules.get(slot)
    return rule === undefined || verdictOf(kindOf(rule.text)) !== undefined
  }
}

/** What a deciding slot stands for: a rule's id, `default`, or `malformed:` or `syn-cookies:` and the reason. */
export function describeSlot(manifest: Manifest, slot: number): string {
  if (slot === PASSED_BY_DEFAULT) return 'default'
  const reason = malformedReasons.find((one) => malformedSlot[one] === slot)
  if (reason !== undefined) return `malformed:${reason}`
  if (slot === SYN_COOKIE_BAD) return 'syn-cookies:bad'
  if (slot === SYN_COOKIE_ANSWERED) return 'syn-cookies:answered'
  const rule = manifest.rules.find((one) => one.slot === slot) ?? manifest.retired.find((one) => one.slot === slot)
  return rule?.id ?? `slot ${slot}`
}
