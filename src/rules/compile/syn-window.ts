import { type Label, type Register, r0, r1, r2, r3, r5 } from '../asm/index.ts'
import { OPTION, optionLength } from '../signatures/signature.ts'
import type { MatchContext } from './match-context.ts'
import { payloadLength, TCP_HEADER } from './parse/payload.ts'
import { emitPayloadPointer } from './payload-pointer.ts'
import { layoutLength, type VersionedSignature } from './signature.ts'
import { loadSlot } from './stack.ts'
import { SYN_VALUE } from './syn-options.ts'

const WINDOW = 'syn window'

/** What a signature says of the window, behind `emitSynOptions` if the options are not of a fixed length. Uses r0 to r3 and r5. */
export function emitSynWindow(ctx: MatchContext, signature: VersionedSignature, miss: Label): void {
  const { asm, stack } = ctx
  const { window } = signature
  if (window === 'any') return
  const fixed = layoutLength(signature)
  emitPayloadPointer(ctx, TCP_HEADER, 20 + (fixed ?? 0), miss)
  asm.load('u16', r0, r1, 14)
  asm.swap(r0, 16)
  if (window.kind === 'exactly') return asm.jumpIf(r0, '!=', window.size, miss)
  if (window.kind === 'multiple') {
    asm.alu('mod', r0, window.of)
    return asm.jumpIf(r0, '!=', 0, miss)
  }
  asm.storeStack('u64', stack.slot(WINDOW), r0)
  if (fixed !== undefined) {
    emitValue(ctx, 'mss', 'u16', lastOffset(signature, OPTION.mss))
    emitValue(ctx, 'timestamp', 'u32', lastOffset(signature, OPTION.ts))
  }
  new WindowTest(ctx, signature, miss).emit(window.kind, window.times)
}

/** Where the last option of a kind begins, from the TCP header. */
function lastOffset({ layout }: VersionedSignature, kind: number): number | undefined {
  const index = layout.lastIndexOf(kind)
  return index < 0 ? undefined : layout.slice(0, index).reduce((sum, before) => sum + optionLength[before]!, 20)
}

/** The value of the option at `at` to its slot; r1 = TCP header. */
function emitValue(ctx: MatchContext, value: 'mss' | 'timestamp', size: 'u16' | 'u32', at: number | undefined): void {
  const { asm, stack } = ctx
  if (at === undefined) return asm.storeStack('u64', stack.slot(SYN_VALUE[value]), 0)
  asm.load(size, r0, r1, at + 2)
  asm.swap(r0, size === 'u16' ? 16 : 32)
  asm.storeStack('u64', stack.slot(SYN_VALUE[value]), r0)
}

/** What a window may be a multiple of: the MSS and `plus`, the MSS and the headers, or a number. */
interface Divisor {
  readonly kind: 'mss' | 'mtu'
  readonly ofMss: boolean
  readonly plus: number | 'headers'
  /** Tried only if the packet has a timestamp other than 0. */
  readonly withTimestamp?: true
}

/** In the order in which they are tried. */
function divisors(version: 4 | 6): Divisor[] {
  const own = (kind: 'mss' | 'mtu', plus: Divisor['plus']): Divisor => ({ kind, ofMss: true, plus })
  const fixed = (kind: 'mss' | 'mtu', plus: number): Divisor => ({ kind, ofMss: false, plus })
  const six = version === 6
  return [
    own('mss', 0),
    { ...own('mss', -12), withTimestamp: true },
    fixed('mss', 1460),
    fixed('mss', 1448),
    ...(six ? [fixed('mss', 1440), fixed('mss', 1428)] : []),
    own('mtu', 40),
    own('mtu', 'headers'),
    ...(six ? [own('mtu', 60)] : []),
    fixed('mtu', 1500),
  ]
}

const LEAST_MSS = 100

/** Whether the window is `times` the first of the divisors that divides it. Uses r0 to r3 and r5. */
class WindowTest {
  readonly #ctx: MatchContext
  readonly #divisors: readonly Divisor[]
  readonly #ipHeader: number
  readonly #miss: Label

  constructor(ctx: MatchContext, { version, ipOptions }: VersionedSignature, miss: Label) {
    this.#ctx = ctx
    this.#divisors = divisors(version)
    this.#ipHeader = version === 4 ? 20 + ipOptions : 40
    this.#miss = miss
  }

  emit(kind: 'mss' | 'mtu', times: number): void {
    const { asm, stack } = this.#ctx
    const done = asm.label('window fits')
    loadSlot(asm, r1, stack.slot(WINDOW))
    loadSlot(asm, r2, stack.slot(SYN_VALUE.mss))
    loadSlot(asm, r3, stack.slot(payloadLength(TCP_HEADER)))
    asm.alu('add', r3, this.#ipHeader)
    asm.jumpIf(r2, '<', LEAST_MSS, this.#miss)
    const found = this.#divisors.flatMap((divisor, i) => {
      if (divisor.kind !== kind) return []
      const label = asm.label(`window divided by ${i}`)
      this.#jumpIfTimes(divisor, times, label)
      return [{ i, label }]
    })
    asm.jump(this.#miss)
    for (const { i, label } of found) {
      asm.bind(label)
      for (const earlier of this.#divisors.slice(0, i)) this.#missIfDivides(earlier)
      asm.jump(done)
    }
    asm.bind(done)
  }

  #jumpIfTimes(divisor: Divisor, times: number, to: Label): void {
    const { asm } = this.#ctx
    this.#ifTried(divisor, () => {
      this.#size(r0, divisor)
      asm.alu('mul', r0, times)
      asm.jumpIf(r0, '==', r1, to)
    })
  }

  #missIfDivides(divisor: Divisor): void {
    const { asm } = this.#ctx
    this.#ifTried(divisor, () => {
      this.#size(r5, divisor)
      asm.mov(r0, r1)
      asm.alu('mod', r0, r5)
      asm.jumpIf(r0, '==', 0, this.#miss)
    })
  }

  #ifTried({ withTimestamp }: Divisor, emit: () => void): void {
    const { asm, stack } = this.#ctx
    if (!withTimestamp) return emit()
    const skip = asm.label('no timestamp')
    loadSlot(asm, r0, stack.slot(SYN_VALUE.timestamp))
    asm.jumpIf(r0, '==', 0, skip)
    emit()
    asm.bind(skip)
  }

  /** `register` = the divisor. */
  #size(register: Register, { ofMss, plus }: Divisor): void {
    const { asm } = this.#ctx
    if (!ofMss) return asm.mov(register, plus === 'headers' ? r3 : plus)
    asm.mov(register, r2)
    if (plus !== 0) asm.alu('add', register, plus === 'headers' ? r3 : plus)
  }
}
