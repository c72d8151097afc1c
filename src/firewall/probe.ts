import { join } from 'node:path'
import { type BpfMap, Program } from '../bpf/index.ts'
import { compile, type MapNeed, TRACE } from '../rules/compile/index.ts'
import { malformedReasons, malformedSlot, PASSED_BY_DEFAULT } from '../rules/counters.ts'
import { calibrateClock } from './clock.ts'
import { readSlot, u32 } from './counters.ts'
import { toRule } from './dynamic.ts'
import { Handles } from './handles.ts'
import type { Live } from './live.ts'
import type { Manifest } from './manifest.ts'
import { createNeeded, pinOf } from './maps.ts'
import { openMap } from './open.ts'
import type { Probe } from './types.ts'

const XDP_DROP = 1

/** Smallest frame that a test run takes, and that any driver hands up. */
const SHORTEST = 14

/**
 * Runs packets through a twin of the live program: the same rules, tables and live sets, but counters, clocks and samples of its own,
 * so that nothing of the live state changes. Limits see each packet as the first of its key.
 */
export async function probe(live: Live, packets: readonly Uint8Array[]): Promise<Probe[]> {
  const twin = await Twin.load(live)
  try {
    return packets.map((packet) => twin.run(packet))
  } finally {
    twin.close()
  }
}

class Twin {
  readonly #manifest: Manifest
  readonly #handles: Handles
  readonly #program: Program
  readonly #maps: ReadonlyMap<string, BpfMap>
  readonly #passive: Manifest['rules']

  private constructor(manifest: Manifest, handles: Handles, program: Program, maps: ReadonlyMap<string, BpfMap>) {
    this.#manifest = manifest
    this.#handles = handles
    this.#program = program
    this.#maps = maps
    this.#passive = manifest.rules.filter((rule) => /^(count|sample)/.test(rule.text))
  }

  static async load({ folder, manifest }: Live): Promise<Twin> {
    const slots = new Map(manifest.rules.map((rule) => [rule.id, rule.slot]))
    const compiled = compile(
      { rules: manifest.rules.map(toRule), malformed: manifest.malformed },
      {
        sets: new Map(manifest.sets.map((set) => [set.name, set.geometry])),
        counterSlot: (id) => slots.get(id)!,
        clock: await calibrateClock(),
        secret: BigInt(`0x${manifest.secret}`),
        trace: true,
      },
    )
    const handles = new Handles()
    try {
      const open = (need: MapNeed) =>
        need.purpose === 'set' ? openMap(join(folder, pinOf(need.symbol))) : createNeeded(need)
      const maps = new Map(compiled.maps.map((need) => [need.symbol, handles.keep(open(need))]))
      maps.get('tables')?.mmap().set(compiled.tables)
      const instructions = compiled.assemble((symbol) => maps.get(symbol)!.fd)
      const program = await Program.load({ type: 'xdp', name: 'probe', instructions, license: 'Dual BSD/GPL' })
      return new Twin(manifest, handles, handles.keep(program), maps)
    } catch (error) {
      handles.close()
      throw error
    }
  }

  run(packet: Uint8Array): Probe {
    if (packet.length < SHORTEST) {
      return { verdict: this.#manifest.malformed, decidedBy: 'malformed:eth_truncated', matched: [] }
    }
    const trace = this.#maps.get(TRACE)!.mmap()
    const view = new DataView(trace.buffer, trace.byteOffset)
    view.setBigUint64(0, 0n, true)
    const counters = this.#maps.get('counters')!
    for (const rule of this.#passive)
      counters.setRaw(u32(rule.slot), new Uint8Array(counters.getRaw(u32(rule.slot))!.length))
    const { result } = this.#program.testRun({ data: packet })
    const decidedBy = describeSlot(this.#manifest, view.getUint32(8, true))
    const passive = this.#passive.filter((rule) => readSlot(counters, rule.slot).packets > 0).map((rule) => rule.id)
    const isRule = this.#manifest.rules.some((rule) => rule.id === decidedBy)
    return {
      verdict: result === XDP_DROP ? 'drop' : 'pass',
      decidedBy,
      matched: isRule ? [...passive, decidedBy] : passive,
    }
  }

  close(): void {
    this.#handles.close()
  }
}

/** What a deciding slot stands for: a rule's id, `default`, or `malformed:` and the reason. */
export function describeSlot(manifest: Manifest, slot: number): string {
  if (slot === PASSED_BY_DEFAULT) return 'default'
  const reason = malformedReasons.find((one) => malformedSlot[one] === slot)
  if (reason !== undefined) return `malformed:${reason}`
  const rule = manifest.rules.find((one) => one.slot === slot) ?? manifest.retired.find((one) => one.slot === slot)
  return rule?.id ?? `slot ${slot}`
}
