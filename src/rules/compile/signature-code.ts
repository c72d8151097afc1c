import { type Label, type Register, r0, r1, r2 } from '../asm/index.ts'
import { MAX_DISTANCE } from '../signatures/signature.ts'
import { Expectations } from './expectations.ts'
import type { MatchContext } from './match-context.ts'
import { IP_HEADER, TCP_HEADER } from './parse/payload.ts'
import { emitPayloadPointer } from './payload-pointer.ts'
import { layoutLength, TCP_LENGTH, type VersionedSignature } from './signature.ts'
import { loadSlot } from './stack.ts'
import { SynOptionWalk } from './syn-options.ts'
import { SYN, WindowTest } from './syn-window.ts'

/** MF and offset of IPv4, as a little-endian load finds them. */
const FRAGMENT = 0xff3f
const TCP = 6

/** A signature asked of a packet, from its headers alone. Uses r0 to r5. */
export class SignatureTest {
  readonly #ctx: MatchContext
  readonly #signature: VersionedSignature
  readonly #miss: Label
  readonly #expect: Expectations

  constructor(ctx: MatchContext, signature: VersionedSignature, miss: Label) {
    this.#ctx = ctx
    this.#signature = signature
    this.#miss = miss
    this.#expect = new Expectations(ctx.asm, signature.quirks, miss)
  }

  emit(hit: Label): void {
    if (this.#signature.version === 4) this.#emitIpv4()
    else this.#emitIpv6()
    this.#emitTcp()
    this.#emitOptions()
    this.#emitValues()
    this.#ctx.asm.jump(hit)
  }

  #emitIpv4(): void {
    const { asm } = this.#ctx
    const length = 20 + this.#signature.ipOptions
    emitPayloadPointer(this.#ctx, IP_HEADER, length, this.#miss)
    asm.jumpIf(r2, '!=', length, this.#miss)
    this.#missUnlessVersion(4)
    asm.load('u16', r0, r1, 6)
    asm.jumpIf(r0, '&', FRAGMENT, this.#miss)
    asm.load('u8', r0, r1, 1)
    this.#expect.note('ecn', (to) => asm.jumpIf(r0, '&', 3, to))
    asm.load('u8', r0, r1, 6)
    this.#expect.expect('0+', (to) => asm.jumpIf(r0, '&', 0x80, to))
    this.#expect.expect('df', (to) => asm.jumpIf(r0, '&', 0x40, to))
    asm.load('u16', r0, r1, 4)
    if (this.#expect.wants('df')) this.#expect.expect('id+', (to) => asm.jumpIf(r0, '!=', 0, to))
    else this.#expect.expect('id-', (to) => asm.jumpIf(r0, '==', 0, to))
    this.#emitTtl(8)
  }

  #emitIpv6(): void {
    const { asm } = this.#ctx
    emitPayloadPointer(this.#ctx, IP_HEADER, 40, this.#miss)
    this.#missUnlessVersion(6)
    asm.load('u8', r0, r1, 6)
    asm.jumpIf(r0, '!=', TCP, this.#miss)
    asm.load('u8', r0, r1, 1)
    this.#expect.note('ecn', (to) => asm.jumpIf(r0, '&', 0x30, to))
    asm.load('u32', r0, r1, 0)
    asm.swap(r0, 32)
    this.#expect.expect('flow', (to) => asm.jumpIf(r0, '&', 0xfffff, to))
    this.#emitTtl(7)
  }

  #missUnlessVersion(version: 4 | 6): void {
    const { asm } = this.#ctx
    asm.load('u8', r0, r1, 0)
    asm.alu('rsh', r0, 4)
    asm.jumpIf(r0, '!=', version, this.#miss)
  }

  #emitTtl(at: number): void {
    const { asm } = this.#ctx
    const { ttl, anyDistance } = this.#signature
    asm.load('u8', r0, r1, at)
    asm.jumpIf(r0, '>', ttl, this.#miss)
    if (!anyDistance && ttl > MAX_DISTANCE) asm.jumpIf(r0, '<', ttl - MAX_DISTANCE, this.#miss)
  }

  /** Leaves r1, r2 and r3 as {@link SynOptionWalk} wants them. */
  #emitTcp(): void {
    const { asm } = this.#ctx
    emitPayloadPointer(this.#ctx, TCP_HEADER, 20, this.#miss)
    const options = layoutLength(this.#signature)
    if (options !== undefined) asm.jumpIf(r2, '!=', 20 + options, this.#miss)
    this.#emitFlags()
    asm.load('u32', r0, r1, 4)
    this.#expect.expect('seq-', (to) => asm.jumpIf(r0, '==', 0, to))
    asm.load('u32', r0, r1, 8)
    this.#expect.expect('ack+', (to) => asm.jumpIf(r0, '!=', 0, to))
    if (!this.#expect.wants('urgf+')) {
      asm.load('u16', r0, r1, 18)
      this.#expect.expect('uptr+', (to) => asm.jumpIf(r0, '!=', 0, to))
    }
    this.#emitWindow()
  }

  #emitFlags(): void {
    const { asm } = this.#ctx
    const flags = 0x02 | (this.#expect.wants('pushf+') ? 0x08 : 0) | (this.#expect.wants('urgf+') ? 0x20 : 0)
    asm.load('u8', r0, r1, 13)
    this.#expect.note('ecn', (to) => asm.jumpIf(r0, '&', 0xc0, to))
    asm.alu('and', r0, 0x3f)
    asm.jumpIf(r0, '!=', flags, this.#miss)
    asm.load('u8', r0, r1, 12)
    this.#expect.note('ecn', (to) => asm.jumpIf(r0, '&', 1, to))
  }

  #emitWindow(): void {
    const { asm, stack } = this.#ctx
    const { window } = this.#signature
    if (window === 'any') return
    asm.load('u16', r0, r1, 14)
    asm.swap(r0, 16)
    if (window.kind === 'exactly') asm.jumpIf(r0, '!=', window.size, this.#miss)
    else if (window.kind === 'multiple') {
      asm.alu('mod', r0, window.of)
      asm.jumpIf(r0, '!=', 0, this.#miss)
    } else asm.storeStack('u64', stack.slot(SYN.window), r0)
  }

  #emitOptions(): void {
    const { asm, stack } = this.#ctx
    for (const value of this.#compared()) asm.storeStack('u64', stack.slot(SYN[value]), 0)
    const keep = (value: 'mss' | 'scale' | 'timestamp', register: Register): void => {
      if (this.#compared().includes(value)) asm.storeStack('u64', stack.slot(SYN[value]), register)
    }
    new SynOptionWalk(asm, this.#signature, this.#expect, keep).emit()
  }

  /** Values of options that are needed behind them. */
  #compared(): ('mss' | 'scale' | 'timestamp')[] {
    const { mss, scale, window } = this.#signature
    const multiple = window !== 'any' && (window.kind === 'mss' || window.kind === 'mtu')
    return [
      ...(mss !== 'any' || multiple ? (['mss'] as const) : []),
      ...(scale !== 'any' ? (['scale'] as const) : []),
      ...(multiple ? (['timestamp'] as const) : []),
    ]
  }

  #emitValues(): void {
    const { asm, stack } = this.#ctx
    const { mss, scale, window, payload } = this.#signature
    this.#expect.finish(['ecn', 'bad', 'exws', 'ts1-', 'ts2+', 'opt+'])
    for (const [slot, wanted] of [
      [SYN.mss, mss],
      [SYN.scale, scale],
    ] as const) {
      if (wanted === 'any') continue
      loadSlot(asm, r0, stack.slot(slot))
      asm.jumpIf(r0, '!=', wanted, this.#miss)
    }
    if (payload !== 'any') {
      loadSlot(asm, r0, stack.slot(TCP_LENGTH))
      asm.jumpIf(r0, payload ? '==' : '!=', 0, this.#miss)
    }
    if (window === 'any') return
    if (window.kind === 'mss' || window.kind === 'mtu') {
      new WindowTest(this.#ctx, this.#signature, this.#miss).emit(window.kind, window.times)
    }
  }
}
