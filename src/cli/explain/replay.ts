import { toHex } from '../../agent/api/hex.ts'
import type { Probe } from '../../firewall/index.ts'
import { dissect } from '../../net/dissect.ts'
import { evaluate } from '../../rules/index.ts'
import { summarize } from '../packets/summary.ts'
import { compare, decidedBy } from './decided-by.ts'
import type { RuleSource } from './rule-source.ts'

/** Packets that went the same way. */
export interface ReplayRow {
  readonly decidedBy: string
  readonly verdict: 'pass' | 'drop'
  readonly evaluator: number
  /** Null if no kernel was asked. */
  readonly kernel: number | null
}

export interface Disagreement {
  readonly packet: number
  readonly summary: string
  readonly bytes: string
  readonly evaluator: Probe
  readonly kernel: Probe
}

export interface Replay {
  readonly packets: number
  readonly bytes: number
  readonly rows: readonly ReplayRow[]
  /** Dropped by a limit, of which the evaluator knows no rate. */
  readonly limited: number
  /** The first few; `disagreed` counts all. */
  readonly disagreements: readonly Disagreement[]
  readonly disagreed: number
}

/** Packets of one request to the kernel. */
const BATCH = 1_000

const SHOWN = 10

/** Sends every packet through evaluator and kernel, in order, and sums up by what decided. */
export async function replayPackets(source: RuleSource, packets: readonly Uint8Array[]): Promise<Replay> {
  const tally = new Tally()
  for (let at = 0; at < packets.length; at += BATCH) {
    const batch = packets.slice(at, at + BATCH)
    const dissections = batch.map(dissect)
    const env = await source.environment(dissections)
    const probes = await source.probe?.(batch)
    dissections.forEach((packet, index) => {
      const decision = evaluate(source.ruleSet, packet, env)
      const evaluator = { verdict: decision.verdict, decidedBy: decidedBy(decision), matched: decision.matched }
      const kernel = probes?.[index]
      tally.count('evaluator', evaluator)
      if (kernel === undefined) return
      tally.count('kernel', kernel)
      const agreement = compare(decision, kernel, source.ruleSet)
      if (agreement === 'limited') tally.limited += 1
      if (agreement !== 'different') return
      tally.disagree({
        packet: at + index + 1,
        summary: summarize(packet),
        bytes: toHex(packet.bytes),
        evaluator,
        kernel,
      })
    })
  }
  const bytes = packets.reduce((sum, packet) => sum + packet.length, 0)
  return {
    packets: packets.length,
    bytes,
    ...tally.result(
      source.ruleSet.rules.map((rule) => rule.id),
      source.probe !== undefined,
    ),
  }
}

class Tally {
  limited = 0
  readonly #rows = new Map<string, { decidedBy: string; verdict: 'pass' | 'drop'; evaluator: number; kernel: number }>()
  readonly #disagreements: Disagreement[] = []
  #disagreed = 0

  count(side: 'evaluator' | 'kernel', { decidedBy, verdict }: Probe): void {
    const key = `${decidedBy} ${verdict}`
    const row = this.#rows.get(key) ?? { decidedBy, verdict, evaluator: 0, kernel: 0 }
    row[side] += 1
    this.#rows.set(key, row)
  }

  disagree(one: Disagreement): void {
    this.#disagreed += 1
    if (this.#disagreements.length < SHOWN) this.#disagreements.push(one)
  }

  /** Rules in their order, then the default, then malformed packets by reason. */
  result(order: readonly string[], probed: boolean): Omit<Replay, 'packets' | 'bytes'> {
    const rank = (by: string) =>
      by === 'default' ? order.length : by.startsWith('malformed:') ? order.length + 1 : order.indexOf(by)
    const rows = [...this.#rows.values()].sort(
      (a, b) => rank(a.decidedBy) - rank(b.decidedBy) || a.decidedBy.localeCompare(b.decidedBy),
    )
    return {
      rows: rows.map((row) => ({ ...row, kernel: probed ? row.kernel : null })),
      limited: this.limited,
      disagreements: this.#disagreements,
      disagreed: this.#disagreed,
    }
  }
}
