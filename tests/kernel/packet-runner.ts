import { BpfMap, MapFlag, Program } from '../../src/bpf/index.ts'
import type { Prefix } from '../../src/net/prefix.ts'
import { Assembler, Helper, r0, r1, r2, r3, r4, r6, r7, r8 } from '../../src/rules/asm/index.ts'
import type { RuleSet } from '../../src/rules/ast.ts'
import {
  type ClockCalibration,
  type Compiled,
  compile,
  type MapNeed,
  STAGES,
  TRACE,
  TRACE_BYTES,
} from '../../src/rules/compile/index.ts'
import { FIRST_RULE_SLOT } from '../../src/rules/counters.ts'
import { buildSet, PrefixSet, type SetGeometry } from '../../src/rules/sets/index.ts'

/** Packets of one run, and the longest. */
const CAPACITY = 8192
const MAX_PACKET = 2048
/** What an XDP test run takes at least. */
const MIN_PACKET = 14
/** A length (u32, padded to 8 bytes) and the packet. */
const RECORD = 8 + MAX_PACKET
const PACKETS = 'packets'

const array = (name: string, bytes: number): BpfMap =>
  BpfMap.create({ kind: 'array', name, keySize: 4, valueSize: bytes, maxEntries: 1, flags: MapFlag.mmapable })

function createNeeded({ purpose, bytes }: MapNeed): BpfMap {
  if (purpose === 'counters')
    return BpfMap.create({ kind: 'percpu_array', name: purpose, keySize: 4, valueSize: 16, maxEntries: 16_384 })
  if (purpose === 'samples')
    return BpfMap.create({ kind: 'ringbuf', name: purpose, keySize: 0, valueSize: 0, maxEntries: 1 << 20 })
  return array(purpose, bytes)
}

/** Clock for rule sets whose expiry does not matter. */
const ANY_CLOCK: ClockCalibration = { hz: 250, jiffiesAtZero: 0n }

export interface Verdict {
  /** Counter slot that decided. */
  readonly slot: number
  /** XDP_DROP or XDP_PASS. */
  readonly verdict: number
}

export interface LoadOptions {
  readonly clock?: ClockCalibration
}

/** A compiled rule set in the kernel. */
export class LoadedRules {
  readonly compiled: Compiled
  readonly program: Program
  readonly maps: ReadonlyMap<string, BpfMap>

  constructor(compiled: Compiled, program: Program, maps: ReadonlyMap<string, BpfMap>) {
    this.compiled = compiled
    this.program = program
    this.maps = maps
  }

  /** Packets counted in a slot, over all CPUs. */
  packets(slot: number): number {
    const value = this.maps.get('counters')!.getRaw(Uint8Array.of(slot & 255, slot >> 8, 0, 0))!
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
    let sum = 0
    for (let at = 0; at < value.byteLength; at += 16) sum += Number(view.getBigUint64(at, true))
    return sum
  }

  close(): void {
    this.program.close()
    for (const [symbol, map] of this.maps) if (symbol !== TRACE) map.close()
  }
}

/** The counter slot of rule number `index` in every rule set that a {@link PacketRunner} loads. */
export const slotOf = (index: number): number => FIRST_RULE_SLOT + index

/**
 * Runs many packets through a compiled rule set in one test run: a program that takes the next packet from a map at each repeat,
 * makes the frame that packet, and goes on to the rules by tail call.
 */
export class PacketRunner {
  readonly #packets: BpfMap
  readonly #stages: BpfMap
  readonly #trace = array(TRACE, TRACE_BYTES)
  readonly #feeder: Program
  readonly #view: DataView

  private constructor(packets: BpfMap, stages: BpfMap, feeder: Program) {
    this.#packets = packets
    this.#stages = stages
    this.#feeder = feeder
    const memory = packets.mmap()
    this.#view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength)
  }

  static async create(): Promise<PacketRunner> {
    const packets = array(PACKETS, 8 + CAPACITY * RECORD)
    const stages = BpfMap.create({ kind: 'prog_array', name: STAGES, keySize: 4, valueSize: 4, maxEntries: 1 })
    return new PacketRunner(packets, stages, await feederProgram({ [PACKETS]: packets.fd, [STAGES]: stages.fd }))
  }

  async load(
    ruleSet: RuleSet,
    sets: ReadonlyMap<string, readonly Prefix[]>,
    options: LoadOptions = {},
  ): Promise<LoadedRules> {
    const slots = new Map(ruleSet.rules.map(({ id }, index) => [id, slotOf(index)]))
    const maps = new Map<string, BpfMap>([[TRACE, this.#trace]])
    const geometries = new Map<string, SetGeometry>()
    for (const [name, prefixes] of sets) {
      const { geometry, write } = buildSet(new PrefixSet(prefixes))
      const map = array('set', geometry.bytes)
      write(map.mmap())
      maps.set(`set:${name}`, map)
      geometries.set(name, geometry)
    }
    const compiled = compile(ruleSet, {
      ...emptyEnv,
      sets: geometries,
      counterSlot: (id) => slots.get(id)!,
      clock: options.clock ?? ANY_CLOCK,
    })
    for (const need of compiled.maps) if (!maps.has(need.symbol)) maps.set(need.symbol, createNeeded(need))
    maps.get('tables')?.mmap().set(compiled.tables)
    const instructions = compiled.assemble((symbol) => maps.get(symbol)!.fd)
    const program = await Program.load({ type: 'xdp', name: 'rules', instructions, license: 'Dual BSD/GPL' })
    return new LoadedRules(compiled, program, maps)
  }

  /** One verdict a packet, in order. Packets have 14 to 2,048 bytes. */
  run(rules: LoadedRules, packets: readonly Uint8Array[]): Verdict[] {
    const verdicts: Verdict[] = []
    const fd = new Uint8Array(Uint32Array.of(rules.program.fd).buffer)
    this.#stages.setRaw(new Uint8Array(4), fd)
    for (let from = 0; from < packets.length; from += CAPACITY)
      verdicts.push(...this.#runSome(packets.slice(from, from + CAPACITY)))
    return verdicts
  }

  #runSome(packets: readonly Uint8Array[]): Verdict[] {
    const memory = new Uint8Array(this.#view.buffer, this.#view.byteOffset)
    packets.forEach((packet, i) => {
      this.#view.setUint32(8 + i * RECORD, packet.length, true)
      memory.set(packet, 8 + i * RECORD + 8)
    })
    this.#view.setBigUint64(0, 0n, true)
    const trace = this.#trace.mmap()
    const records = new DataView(trace.buffer, trace.byteOffset, trace.byteLength)
    records.setBigUint64(0, 0n, true)
    this.#feeder.testRun({ data: new Uint8Array(64), repeat: packets.length })
    const written = Number(records.getBigUint64(0, true))
    if (written !== packets.length) throw new Error(`${packets.length} packets gave ${written} verdicts`)
    return packets.map((_, i) => ({
      slot: records.getUint32(8 + i * 8, true),
      verdict: records.getUint32(12 + i * 8, true),
    }))
  }

  close(): void {
    this.#feeder.close()
    for (const map of [this.#packets, this.#stages, this.#trace]) map.close()
  }
}

const emptyEnv = {
  sets: new Map<string, SetGeometry>(),
  counterSlot: () => FIRST_RULE_SLOT,
  clock: ANY_CLOCK,
  secret: 0x5ea3a11_5ea3a11n,
  trace: true,
}

function feederProgram(fds: Record<string, number>): Promise<Program> {
  const asm = new Assembler()
  const out = asm.label('out')
  asm.mov(r6, r1)
  asm.loadMapValue(r7, PACKETS)
  asm.load('u64', r1, r7, 0)
  asm.jumpIf(r1, '>=', CAPACITY, out)
  asm.mov(r2, r1)
  asm.alu('add', r2, 1)
  asm.store('u64', r7, 0, r2)
  asm.alu('mul', r1, RECORD)
  asm.mov(r8, r7)
  asm.alu('add', r8, r1)
  asm.load('u32', r7, r8, 8)
  asm.jumpIf(r7, '>', MAX_PACKET, out)
  asm.jumpIf(r7, '<', MIN_PACKET, out)
  emitResize(asm)
  asm.jumpIf(r0, '!=', 0, out)
  asm.mov(r1, r6)
  asm.mov(r2, 0)
  asm.mov(r3, r8)
  asm.alu('add', r3, 16)
  asm.mov(r4, r7)
  asm.call(Helper.xdpStoreBytes)
  asm.jumpIf(r0, '!=', 0, out)
  asm.mov(r1, r6)
  asm.loadMap(r2, STAGES)
  asm.mov(r3, 0)
  asm.call(Helper.tailCall)
  asm.bind(out)
  asm.mov(r0, 0)
  asm.exit()
  const instructions = asm.assemble((symbol) => fds[symbol]!)
  return Program.load({ type: 'xdp', name: 'feeder', instructions, license: 'Dual BSD/GPL' })
}

/** Make the frame of context r6 as long as r7 says. */
function emitResize(asm: Assembler): void {
  asm.load('u32', r2, r6, 4)
  asm.load('u32', r3, r6, 0)
  asm.alu('sub', r2, r3)
  asm.mov(r1, r7)
  asm.alu('sub', r1, r2)
  asm.mov(r2, r1)
  asm.mov(r1, r6)
  asm.call(Helper.xdpAdjustTail)
}
