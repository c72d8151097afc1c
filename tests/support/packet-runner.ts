import assert from 'node:assert/strict'
import { BpfMap, Program } from '../../src/bpf/index.ts'
import type { Prefix } from '../../src/net/prefix.ts'
import { Assembler, Helper, r0, r1, r2, r3, r4, r6, r7, r8, r9 } from '../../src/rules/asm/index.ts'
import type { RuleSet } from '../../src/rules/ast.ts'
import { STAGES, TRACE, TRACE_BYTES } from '../../src/rules/compile/index.ts'
import { type LoadedRules, loadRules, memory } from './load-rules.ts'

/** Packets of one run, and the longest. */
const CAPACITY = 8192
const MAX_PACKET = 2048
/** What an XDP test run takes at least. */
const MIN_PACKET = 14
/** A length (u32, padded to 8 bytes) and the packet. */
const RECORD = 8 + MAX_PACKET
const PACKETS = 'packets'

export interface Verdict {
  /** Counter slot that decided. */
  readonly slot: number
  /** XDP_DROP or XDP_PASS. */
  readonly verdict: number
}

/** @param explain called for a verdict that is another, as that may take longer than all else. */
export function assertVerdict(found: Verdict | undefined, wanted: Verdict, explain: () => string): void {
  if (found?.slot !== wanted.slot || found.verdict !== wanted.verdict) assert.deepEqual(found, wanted, explain())
}

/**
 * Runs many packets through a compiled rule set in one test run: a program that takes the next packet from a map at each repeat,
 * makes the frame that packet, and goes on to the rules by tail call.
 */
export class PacketRunner {
  readonly #packets: BpfMap
  readonly #stages: BpfMap
  /** Where programs say what they did with each packet. */
  readonly trace = memory(TRACE, TRACE_BYTES)
  readonly #feeder: Program
  readonly #view: DataView

  private constructor(packets: BpfMap, stages: BpfMap, feeder: Program) {
    this.#packets = packets
    this.#stages = stages
    this.#feeder = feeder
    const { buffer, byteOffset, byteLength } = packets.mmap()
    this.#view = new DataView(buffer, byteOffset, byteLength)
  }

  static async create(): Promise<PacketRunner> {
    const packets = memory(PACKETS, 8 + CAPACITY * RECORD)
    const stages = BpfMap.create({ kind: 'prog_array', name: STAGES, keySize: 4, valueSize: 4, maxEntries: 1 })
    return new PacketRunner(packets, stages, await feederProgram({ [PACKETS]: packets.fd, [STAGES]: stages.fd }))
  }

  load(ruleSet: RuleSet, sets: ReadonlyMap<string, readonly Prefix[]>): Promise<LoadedRules> {
    return loadRules(ruleSet, { sets, trace: true, maps: new Map([[TRACE, this.trace]]) })
  }

  /** One verdict a packet, in order. Packets have 14 to 2,048 bytes. */
  run(rules: { readonly program: { readonly fd: number } }, packets: readonly Uint8Array[]): Verdict[] {
    const verdicts: Verdict[] = []
    const fd = new Uint8Array(Uint32Array.of(rules.program.fd).buffer)
    this.#stages.setRaw(new Uint8Array(4), fd)
    for (let from = 0; from < packets.length; from += CAPACITY)
      verdicts.push(...this.#runSome(packets.slice(from, from + CAPACITY)))
    return verdicts
  }

  #runSome(packets: readonly Uint8Array[]): Verdict[] {
    const bytes = new Uint8Array(this.#view.buffer, this.#view.byteOffset)
    packets.forEach((packet, i) => {
      this.#view.setUint32(8 + i * RECORD, packet.length, true)
      bytes.set(packet, 8 + i * RECORD + 8)
    })
    // A test run that the kernel breaks off begins again: the feeder gives nothing out behind the last packet.
    if (packets.length < CAPACITY) this.#view.setUint32(8 + packets.length * RECORD, 0, true)
    this.#view.setBigUint64(0, 0n, true)
    const trace = this.trace.mmap()
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
    for (const map of [this.#packets, this.#stages, this.trace]) map.close()
  }
}

function feederProgram(fds: Record<string, number>): Promise<Program> {
  const asm = new Assembler()
  const out = asm.label('out')
  asm.mov(r6, r1)
  asm.loadMapValue(r9, PACKETS)
  asm.load('u64', r2, r9, 0)
  asm.jumpIf(r2, '>=', CAPACITY, out)
  asm.mov(r1, r2)
  asm.alu('mul', r1, RECORD)
  asm.mov(r8, r9)
  asm.alu('add', r8, r1)
  asm.load('u32', r7, r8, 8)
  asm.jumpIf(r7, '>', MAX_PACKET, out)
  asm.jumpIf(r7, '<', MIN_PACKET, out)
  asm.alu('add', r2, 1)
  asm.store('u64', r9, 0, r2)
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
