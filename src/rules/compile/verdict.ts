import { type Assembler, Helper, type Label, r0, r1, r2, r3, r6, r7, r8, r9 } from '../asm/index.ts'
import { SAMPLES_LOST } from '../counters.ts'
import { emitCaptures, type PlacedCapture } from './capture.ts'
import { emitCount } from './count.ts'
import { emitPacketRecord, PacketRecord } from './packet-record.ts'
import type { PacketSource } from './source/source.ts'
import { SAMPLED_BY, type Stack } from './stack.ts'
import { Xdp } from './xdp.ts'

export { Xdp }
export const SAMPLES = 'samples'
export const STAGES = 'stages'
export const TRACE = 'trace'

/** Bytes of a packet that a sample carries at most. */
export const SAMPLE_BYTES = 256

/** Offsets in a sample. */
export const SampleRecord = {
  ...PacketRecord,
  /** u32, slot of the sampling rule. */
  sampledBy: 28,
  size: PacketRecord.bytes + SAMPLE_BYTES,
} as const

export interface VerdictOptions {
  readonly samples: boolean
  readonly captures: readonly PlacedCapture[]
  /** Slot of `stages` to go on with when a packet passes. */
  readonly next?: number
  /** Write slot and verdict of each packet to the map `trace`, for tests: see {@link emitTrace}. */
  readonly trace: boolean
}

/** Ends of the program: jump to `drop` or `pass` with the deciding counter slot in r1. */
export class Verdict {
  readonly pass: Label
  readonly #drop: Label
  #drops = false
  readonly #asm: Assembler
  readonly #stack: Stack
  readonly #source: PacketSource
  readonly #options: VerdictOptions

  constructor(asm: Assembler, stack: Stack, source: PacketSource, options: VerdictOptions) {
    this.#drop = asm.label('drop')
    this.pass = asm.label('pass')
    this.#asm = asm
    this.#stack = stack
    this.#source = source
    this.#options = options
  }

  get drop(): Label {
    this.#drops = true
    return this.#drop
  }

  emit(): void {
    const { samples, captures, trace, next } = this.#options
    const asm = this.#asm
    const decided = asm.label('decided')
    if (this.#drops) {
      asm.bind(this.#drop)
      asm.mov(r7, Xdp.drop)
      asm.jump(decided)
    }
    asm.bind(this.pass)
    asm.mov(r7, Xdp.pass)
    asm.bind(decided)
    asm.mov(r9, r1)
    emitCount(asm, this.#stack)
    if (samples) this.#emitSample()
    emitCaptures(asm, this.#stack, this.#source, captures)
    if (trace) emitTrace(asm)
    if (next !== undefined) this.#emitNext(next)
    this.#source.emitReturn()
  }

  #emitNext(next: number): void {
    const asm = this.#asm
    const stay = asm.label('stay')
    asm.jumpIf(r7, '!=', Xdp.pass, stay)
    asm.mov(r1, r6)
    asm.loadMap(r2, STAGES)
    asm.mov(r3, next)
    asm.call(Helper.tailCall)
    asm.bind(stay)
  }

  /** Copy the packet to the ring buffer; a full one loses the sample, which is counted. */
  #emitSample(): void {
    const asm = this.#asm
    const [done, lost] = [asm.label('sampled'), asm.label('sample lost')]
    asm.loadStack('u64', r1, this.#stack.slot(SAMPLED_BY))
    asm.jumpIf(r1, '==', 0, done)
    asm.loadMap(r1, SAMPLES)
    asm.mov(r2, SampleRecord.size)
    asm.mov(r3, 0)
    asm.call(Helper.ringbufReserve)
    asm.jumpIf(r0, '==', 0, lost)
    asm.mov(r8, r0)
    asm.call(Helper.ktimeGetNs)
    asm.mov(r2, r0)
    emitPacketRecord(asm, this.#stack, this.#source, {
      most: SAMPLE_BYTES,
      emitOwn: () => asm.loadStack('u64', r1, this.#stack.slot(SAMPLED_BY)),
    })
    asm.jump(done)
    asm.bind(lost)
    asm.mov(r1, SAMPLES_LOST)
    emitCount(asm, this.#stack)
    asm.bind(done)
  }
}

/** Records that the map `trace` has room for. */
export const TRACE_RECORDS = 65_536
/** One u64 that says how many records were written, then a record of two u32 (slot, verdict) a packet. */
export const TRACE_BYTES = 8 + TRACE_RECORDS * 8

/** Append slot (r9) and verdict (r7) to the trace. */
export function emitTrace(asm: Assembler): void {
  const full = asm.label('trace full')
  asm.loadMapValue(r1, TRACE)
  asm.load('u64', r2, r1, 0)
  asm.jumpIf(r2, '>=', TRACE_RECORDS, full)
  asm.mov(r3, r2)
  asm.alu('add', r3, 1)
  asm.store('u64', r1, 0, r3)
  asm.alu('lsh', r2, 3)
  asm.alu('add', r1, r2)
  asm.store('u32', r1, 8, r9)
  asm.store('u32', r1, 12, r7)
  asm.bind(full)
}
