import { type Assembler, type Label, r0, r1, r2, r3, r5 } from '../asm/index.ts'
import { lengthRange, MAX_OPTIONS, MAX_SCALE, OPTION, optionLength, optionQuirks } from '../signatures/signature.ts'
import { Expectations } from './expectations.ts'
import type { MatchContext } from './match-context.ts'
import { TCP_HEADER } from './parse/payload.ts'
import { emitPayloadPointer } from './payload-pointer.ts'
import { isMultipleOfMss, layoutLength, type VersionedSignature } from './signature.ts'
import { loadSlot } from './stack.ts'

/** Values of options that are compared behind them. */
type Value = 'mss' | 'scale' | 'timestamp'

/** Slots with the last value of an option, 0 without the option. */
export const SYN_VALUE: Readonly<Record<Value, string>> = {
  mss: 'syn mss',
  scale: 'syn scale',
  timestamp: 'syn timestamp',
}

/** What a signature says of the TCP options. Leaves their values in {@link SYN_VALUE}, if the window is a multiple of the MSS. */
export function emitSynOptions(ctx: MatchContext, signature: VersionedSignature, miss: Label): void {
  const { asm, stack } = ctx
  const { mss, scale } = signature
  const multiple = isMultipleOfMss(signature)
  const needed = new Set<Value>(multiple ? ['mss', 'timestamp'] : [])
  if (mss !== 'any') needed.add('mss')
  if (scale !== 'any') needed.add('scale')
  const expect = new Expectations(asm, signature.quirks, miss)
  const length = layoutLength(signature)
  const known = 20 + (length ?? 0)
  emitPayloadPointer(ctx, TCP_HEADER, known, miss)
  if (length !== undefined) asm.jumpIf(r2, '!=', known, miss)
  for (const value of needed) asm.storeStack('u64', stack.slot(SYN_VALUE[value]), 0)
  const keep = (value: Value): void => {
    if (needed.has(value)) asm.storeStack('u64', stack.slot(SYN_VALUE[value]), r0)
  }
  new SynOptionWalk(asm, signature, expect, keep, known).emit()
  expect.finish(optionQuirks)
  for (const [value, wanted] of [
    ['mss', mss],
    ['scale', scale],
  ] as const) {
    if (wanted === 'any') continue
    loadSlot(asm, r0, stack.slot(SYN_VALUE[value]))
    asm.jumpIf(r0, '!=', wanted, miss)
  }
}

/**
 * Walks the options that a signature lists, in straight code: r1 = TCP header, r2 = its length, r3 = end of the frame. Positions are known
 * when compiling up to an option of any length; behind one, r1 and r2 move on. Uses r0 and r5, and r4 through the expectations.
 */
class SynOptionWalk {
  readonly #asm: Assembler
  readonly #signature: VersionedSignature
  readonly #expect: Expectations
  /** Keeps r0 as the value of an option, if it is needed. */
  readonly #keep: (value: Value) => void
  /** Where the next option begins, and how far the header is known to reach, both from r1. */
  #at = 20
  #reached: number
  /** Where reading ends at an option that is cut short or has an impossible length; unset while nothing leads there. */
  #cut: Label | undefined

  constructor(
    asm: Assembler,
    signature: VersionedSignature,
    expect: Expectations,
    keep: (value: Value) => void,
    reached: number,
  ) {
    this.#reached = reached
    this.#asm = asm
    this.#signature = signature
    this.#expect = expect
    this.#keep = keep
  }

  emit(): void {
    const { layout } = this.#signature
    const asm = this.#asm
    const done = asm.label('options read')
    for (const [i, kind] of layout.entries()) this.#emitOption(kind, i === layout.length - 1)
    if (layout.at(-1) !== OPTION.eol) this.#emitEnd()
    if (!this.#cut) return
    asm.jump(done)
    asm.bind(this.#cut)
    this.#expect.shows('bad')
    asm.bind(done)
  }

  /** The header ends here, or has more options than are read. */
  #emitEnd(): void {
    const { layout } = this.#signature
    const more: (to: Label) => void = (to) => this.#asm.jumpIf(r2, '!=', this.#at, to)
    if (layout.length === MAX_OPTIONS) this.#expect.note('bad', more)
    else more(this.#expect.miss)
  }

  /** Where to go from an option that cannot be read: only the last can be so, and only if that is wanted. */
  #cutFrom(last: boolean): Label {
    if (!last || !this.#expect.wants('bad')) return this.#expect.miss
    this.#cut ??= this.#asm.label('option cut short')
    return this.#cut
  }

  #emitOption(kind: number, last: boolean): void {
    const asm = this.#asm
    const { miss } = this.#expect
    this.#reach(1, miss)
    asm.load('u8', r0, r1, this.#at)
    asm.jumpIf(r0, '!=', kind, miss)
    const length = optionLength[kind]
    if (kind === OPTION.eol) this.#emitPadding()
    else if (length === undefined) this.#emitAnyLength(kind, this.#cutFrom(last))
    else {
      if (length > 1) this.#emitFixed(kind, length, last)
      this.#at += length
    }
  }

  /** Continue only if the header holds `bytes` bytes of the option. */
  #reach(bytes: number, otherwise: Label): void {
    const asm = this.#asm
    const end = this.#at + bytes
    if (end <= this.#reached) return
    asm.jumpIf(r2, '<', end, otherwise)
    asm.mov(r0, r1)
    asm.alu('add', r0, end)
    asm.jumpIf(r0, '>', r3, this.#expect.miss)
    this.#reached = end
  }

  #emitFixed(kind: number, length: number, last: boolean): void {
    const asm = this.#asm
    const at = this.#at
    this.#reach(length, this.#cutFrom(last))
    asm.load('u8', r0, r1, at + 1)
    this.#expect.note('bad', (to) => asm.jumpIf(r0, '!=', length, to))
    if (kind === OPTION.mss) {
      asm.load('u16', r0, r1, at + 2)
      asm.swap(r0, 16)
      this.#keep('mss')
    } else if (kind === OPTION.ws) {
      asm.load('u8', r0, r1, at + 2)
      this.#keep('scale')
      this.#expect.note('exws', (to) => asm.jumpIf(r0, '>', MAX_SCALE, to))
    } else if (kind === OPTION.ts) {
      asm.load('u32', r0, r1, at + 2)
      this.#keep('timestamp')
      this.#expect.note('ts1-', (to) => asm.jumpIf(r0, '==', 0, to))
      asm.load('u32', r0, r1, at + 6)
      this.#expect.note('ts2+', (to) => asm.jumpIf(r0, '!=', 0, to))
    }
  }

  /** An option that says itself how long it is: r1 and r2 move behind it. */
  #emitAnyLength(kind: number, cut: Label): void {
    const asm = this.#asm
    const [least, most] = lengthRange(kind)
    this.#reach(2, cut)
    asm.load('u8', r5, r1, this.#at + 1)
    asm.jumpIf(r5, '<', least, cut)
    asm.jumpIf(r5, '>', most, cut)
    asm.mov(r0, r2)
    asm.alu('sub', r0, this.#at)
    asm.jumpIf(r5, '>', r0, cut)
    asm.alu('add', r1, this.#at)
    asm.alu('add', r1, r5)
    asm.alu('sub', r2, this.#at)
    asm.alu('sub', r2, r5)
    this.#at = 0
    this.#reached = 0
  }

  /** The header ends as many bytes behind `eol` as the signature says. */
  #emitPadding(): void {
    const asm = this.#asm
    const { eolPadding } = this.#signature
    const from = this.#at + 1
    asm.jumpIf(r2, '!=', from + eolPadding, this.#expect.miss)
    this.#reach(1 + eolPadding, this.#expect.miss)
    this.#expect.note('opt+', (to) => {
      for (let at = from; at < from + eolPadding; at++) {
        asm.load('u8', r0, r1, at)
        asm.jumpIf(r0, '!=', 0, to)
      }
    })
  }
}
