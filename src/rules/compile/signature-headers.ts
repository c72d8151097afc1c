import { type Label, r0, r1, r2 } from '../asm/index.ts'
import { MAX_DISTANCE } from '../signatures/signature.ts'
import { Expectations } from './expectations.ts'
import type { MatchContext } from './match-context.ts'
import { IP_HEADER, TCP_HEADER } from './parse/payload.ts'
import { emitPayloadPointer } from './payload-pointer.ts'
import { flagsOf, TCP_LENGTH, type VersionedSignature } from './signature.ts'
import { loadSlot } from './stack.ts'

/** MF and offset of IPv4, as a little-endian load finds them. */
const FRAGMENT = 0xff3f
const TCP = 6

/** What a signature says of the IP header, the fixed TCP header and the payload. Uses r0 to r4. */
export class SignatureHeaders {
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

  emit(): void {
    if (this.#signature.version === 4) this.#emitIpv4()
    else this.#emitIpv6()
    this.#emitTcp()
    this.#expect.finish(['ecn'])
    this.#emitPayload()
  }

  #emitIpv4(): void {
    const { asm } = this.#ctx
    const length = 20 + this.#signature.ipOptions
    emitPayloadPointer(this.#ctx, IP_HEADER, length, this.#miss)
    asm.jumpIf(r2, '!=', length, this.#miss)
    this.#emitVersion(4)
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
    this.#emitVersion(6)
    asm.load('u8', r0, r1, 6)
    asm.jumpIf(r0, '!=', TCP, this.#miss)
    asm.load('u8', r0, r1, 1)
    this.#expect.note('ecn', (to) => asm.jumpIf(r0, '&', 0x30, to))
    asm.load('u32', r0, r1, 0)
    asm.swap(r0, 32)
    this.#expect.expect('flow', (to) => asm.jumpIf(r0, '&', 0xfffff, to))
    this.#emitTtl(7)
  }

  #emitVersion(version: 4 | 6): void {
    const { asm } = this.#ctx
    asm.load('u8', r0, r1, 0)
    asm.alu('rsh', r0, 4)
    asm.jumpIf(r0, '!=', version, this.#miss)
  }

  #emitTtl(at: number): void {
    const { asm } = this.#ctx
    const { ttl, anyDistance } = this.#signature
    asm.load('u8', r0, r1, at)
    if (ttl < 255) asm.jumpIf(r0, '>', ttl, this.#miss)
    if (!anyDistance && ttl > MAX_DISTANCE) asm.jumpIf(r0, '<', ttl - MAX_DISTANCE, this.#miss)
  }

  #emitTcp(): void {
    const { asm } = this.#ctx
    emitPayloadPointer(this.#ctx, TCP_HEADER, 20, this.#miss)
    asm.load('u8', r0, r1, 13)
    this.#expect.note('ecn', (to) => asm.jumpIf(r0, '&', 0xc0, to))
    asm.alu('and', r0, 0x3f)
    asm.jumpIf(r0, '!=', flagsOf(this.#signature), this.#miss)
    asm.load('u8', r0, r1, 12)
    this.#expect.note('ecn', (to) => asm.jumpIf(r0, '&', 1, to))
    asm.load('u32', r0, r1, 4)
    this.#expect.expect('seq-', (to) => asm.jumpIf(r0, '==', 0, to))
    asm.load('u32', r0, r1, 8)
    this.#expect.expect('ack+', (to) => asm.jumpIf(r0, '!=', 0, to))
    if (this.#expect.wants('urgf+')) return
    asm.load('u16', r0, r1, 18)
    this.#expect.expect('uptr+', (to) => asm.jumpIf(r0, '!=', 0, to))
  }

  #emitPayload(): void {
    const { asm, stack } = this.#ctx
    const { payload } = this.#signature
    if (payload === 'any') return
    loadSlot(asm, r0, stack.slot(TCP_LENGTH))
    asm.jumpIf(r0, payload ? '==' : '!=', 0, this.#miss)
  }
}
