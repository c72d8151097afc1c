import { type Assembler, type Label, r1, r2, r3, r7, r9 } from '../asm/index.ts'
import { emitCopies, emitTailCall } from './copies.ts'
import { emitCount } from './count.ts'
import { areThere, type Copiers, emitHandOver } from './handover.ts'
import type { PacketSource } from './source/source.ts'
import type { Stack } from './stack.ts'
import { Xdp } from './xdp.ts'

export { Xdp }
export const TRACE = 'trace'

export interface VerdictOptions {
  readonly copiers: Copiers
  /** Slot of `stages` to go on with when a packet passes. */
  readonly next?: number
  /** What comes behind has packets copied that go there, see {@link emitHandOver}; else they are copied before. */
  readonly handsOver?: boolean
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
    const { copiers, trace, next, handsOver = false } = this.#options
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
    if (trace) emitTrace(asm)
    if (next !== undefined && handsOver) this.#emitNext(next, copiers)
    emitCopies(asm, this.#stack, this.#source, copiers)
    if (next !== undefined && !handsOver) this.#emitNext(next)
    this.#source.emitReturn()
  }

  #emitNext(next: number, copiers?: Copiers): void {
    const asm = this.#asm
    const stay = asm.label('stay')
    asm.jumpIf(r7, '!=', Xdp.pass, stay)
    if (copiers !== undefined && areThere(copiers)) emitHandOver(asm, this.#stack, copiers, stay)
    emitTailCall(asm, next)
    asm.bind(stay)
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
