import { BpfMap, MapFlag, Program } from '../../src/bpf/index.ts'
import type { Prefix } from '../../src/net/prefix.ts'
import type { RuleSet } from '../../src/rules/ast.ts'
import {
  type AttachPoint,
  type ClockCalibration,
  type Compiled,
  compile,
  type MapNeed,
  SCRATCH_BUFFERS,
  TRACE,
} from '../../src/rules/compile/index.ts'
import { FIRST_RULE_SLOT } from '../../src/rules/counters.ts'
import { buildSet, PrefixSet, type SetGeometry } from '../../src/rules/sets/index.ts'

/** An array map of one element that programs and this process share. */
export const memory = (name: string, bytes: number): BpfMap =>
  BpfMap.create({ kind: 'array', name, keySize: 4, valueSize: bytes, maxEntries: 1, flags: MapFlag.mmapable })

function createNeeded({ purpose, bytes }: MapNeed): BpfMap {
  if (purpose === 'counters')
    return BpfMap.create({ kind: 'percpu_array', name: purpose, keySize: 4, valueSize: 16, maxEntries: 16_384 })
  if (purpose === 'samples')
    return BpfMap.create({ kind: 'ringbuf', name: purpose, keySize: 0, valueSize: 0, maxEntries: 1 << 20 })
  if (purpose === 'scratch')
    return BpfMap.create({
      kind: 'percpu_array',
      name: purpose,
      keySize: 4,
      valueSize: bytes,
      maxEntries: SCRATCH_BUFFERS,
    })
  return memory(purpose, bytes)
}

/** What keys the hashes of programs under test. */
export const SECRET = 0x5ea3a11_5ea3a11n

/** Clock for rule sets in which nanoseconds and expiry do not matter. */
const ANY_CLOCK: ClockCalibration = { hz: 250, jiffiesAtZero: 0n }

/** The counter slot of rule number `index`. */
export const slotOf = (index: number): number => FIRST_RULE_SLOT + index

/** A compiled rule set in the kernel. */
export class LoadedRules {
  readonly compiled: Compiled
  readonly program: Program
  readonly maps: ReadonlyMap<string, BpfMap>
  readonly #borrowed: ReadonlyMap<string, BpfMap>

  constructor(
    compiled: Compiled,
    program: Program,
    maps: ReadonlyMap<string, BpfMap>,
    borrowed: ReadonlyMap<string, BpfMap>,
  ) {
    this.compiled = compiled
    this.program = program
    this.maps = maps
    this.#borrowed = borrowed
  }

  /** Packets counted in a slot, over all CPUs. */
  packets(slot: number): number {
    const value = this.maps.get('counters')!.getRaw(Uint8Array.of(slot & 255, slot >> 8, 0, 0))!
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
    let sum = 0
    for (let at = 0; at < value.byteLength; at += 16) sum += Number(view.getBigUint64(at, true))
    return sum
  }

  /** Slot that decided the last packet, and its verdict for XDP; begins anew. For rules loaded with `trace`, one packet at a time. */
  takeTrace(): { readonly slot: number; readonly verdict: number } | undefined {
    const { buffer, byteOffset } = this.maps.get(TRACE)!.mmap()
    const view = new DataView(buffer, byteOffset)
    const written = view.getBigUint64(0, true)
    view.setBigUint64(0, 0n, true)
    return written === 0n ? undefined : { slot: view.getUint32(8, true), verdict: view.getUint32(12, true) }
  }

  close(): void {
    this.program.close()
    for (const [symbol, map] of this.maps) if (!this.#borrowed.has(symbol)) map.close()
  }
}

export interface LoadOptions {
  readonly sets?: ReadonlyMap<string, readonly Prefix[]>
  readonly clock?: ClockCalibration
  readonly attach?: AttachPoint
  /** Maps to use instead of new ones, by symbol; they stay open. */
  readonly maps?: ReadonlyMap<string, BpfMap>
  /** Slot of the map `stages` to go on with. */
  readonly next?: number
  readonly trace?: boolean
}

/**
 * Compiles and loads a rule set with maps of its own.
 *
 * @throws CompileError, VerifierError
 */
export async function loadRules(ruleSet: RuleSet, options: LoadOptions = {}): Promise<LoadedRules> {
  const borrowed = options.maps ?? new Map<string, BpfMap>()
  const maps = new Map(borrowed)
  const geometries = new Map<string, SetGeometry>()
  for (const [name, prefixes] of options.sets ?? []) {
    const { geometry, write } = buildSet(new PrefixSet(prefixes))
    const map = memory('set', geometry.bytes)
    write(map.mmap())
    maps.set(`set:${name}`, map)
    geometries.set(name, geometry)
  }
  const slots = new Map(ruleSet.rules.map(({ id }, index) => [id, slotOf(index)]))
  const compiled = compile(ruleSet, {
    sets: geometries,
    counterSlot: (id) => slots.get(id)!,
    clock: options.clock ?? ANY_CLOCK,
    secret: SECRET,
    trace: options.trace ?? false,
    attach: options.attach ?? 'xdp',
    ...(options.next === undefined ? {} : { next: options.next }),
  })
  for (const need of compiled.maps) if (!maps.has(need.symbol)) maps.set(need.symbol, createNeeded(need))
  maps.get('tables')?.mmap().set(compiled.tables)
  const instructions = compiled.assemble((symbol) => maps.get(symbol)!.fd)
  try {
    const program = await Program.load({ type: compiled.type, name: 'rules', instructions, license: 'Dual BSD/GPL' })
    return new LoadedRules(compiled, program, maps, borrowed)
  } catch (error) {
    for (const [symbol, map] of maps) if (!borrowed.has(symbol)) map.close()
    throw error
  }
}
