import {
  type Assembler,
  Helper,
  type Label,
  type Register,
  r0,
  r1,
  r2,
  r3,
  r4,
  r5,
  r6,
  r7,
  r8,
  r9,
} from '../../asm/index.ts'
import { ETHERTYPE, raw } from '../parse/ethernet.ts'
import { Extension, emitIfExtension, MAX_HEADERS } from '../parse/ipv6.ts'
import { Protocol } from '../parse/upper.ts'
import { STEPS, type Stack } from '../stack.ts'
import { ETHERNET, FrameBuffer, Skb } from './frame-buffer.ts'
import { emitOnlyBuffer, FRAME_LIMIT } from './scratch.ts'
import type { PacketSource } from './source.ts'

/** Longest header of TCP, and that of UDP, bytes. */
const HEADER = 60
const UDP_HEADER = 8
/** First byte of an IPv4 header. */
const NO_OPTIONS = 0x45
/** `BPF_HDR_START_NET` of linux/bpf.h. */
const FROM_NETWORK_HEADER = 1
/** Multiple of 4, and no header is longer. */
const LENGTH_MASK = 0xffc
const LENGTH = 'extension length'

/**
 * What a UDP or TCP socket receives: an skb that begins with the header of UDP or TCP. The IP header before it is still there, but only helpers
 * find it. All of this runs in soft interrupts, one at a time on a CPU. The packet is as long as its IP header says.
 */
export class SocketSource implements PacketSource {
  readonly limit = FRAME_LIMIT
  readonly ifindex = Skb.ifindex
  readonly #asm: Assembler
  readonly #stack: Stack
  readonly #frame: FrameBuffer
  readonly #first: number
  /** No rule looks into a payload. */
  readonly #headersOnly: boolean
  readonly #lost: Label

  /** @param reach bytes of a payload that rules look at */
  constructor(asm: Assembler, stack: Stack, reach: number) {
    this.#asm = asm
    this.#stack = stack
    this.#frame = new FrameBuffer(asm, stack)
    this.#first = Math.min(HEADER + reach, FRAME_LIMIT - ETHERNET)
    this.#headersOnly = reach === 0
    this.#lost = asm.label('no buffer')
  }

  emitBegin(): void {
    const asm = this.#asm
    const [six, upper, whole, other, there] = ['IPv6', 'upper', 'whole', 'not IP', 'there'].map((name) =>
      asm.label(name),
    ) as [Label, Label, Label, Label, Label]
    asm.mov(r6, r1)
    emitOnlyBuffer(asm, this.#stack, this.#lost)
    this.#frame.emitOpen()
    asm.jumpIf(r4, '==', raw(ETHERTYPE.ipv6), six)
    asm.jumpIf(r4, '!=', raw(ETHERTYPE.ipv4), other)
    this.#emitIpv4(whole, other)
    asm.jump(upper)
    asm.bind(six)
    this.#emitIpv6(whole, other)
    asm.bind(upper)
    this.#emitUpper(other)
    asm.bind(whole)
    asm.mov(r8, r9)
    asm.jump(there)
    asm.bind(other)
    asm.mov(r8, 0)
    asm.bind(there)
    this.#frame.emitClose()
  }

  /** Copy the IPv4 header; r8 = its length, r9 = that of the packet. To `whole` if all that rules need is there then. */
  #emitIpv4(whole: Label, other: Label): void {
    const asm = this.#asm
    const [plain, options] = [asm.label('no options'), asm.label('IP header')]
    asm.mov(r8, 0)
    this.#emitHeader(20 + UDP_HEADER, other)
    asm.load('u16', r9, r7, ETHERNET + 2)
    asm.swap(r9, 16)
    asm.load('u8', r5, r7, ETHERNET)
    if (this.#headersOnly) {
      asm.jumpIf(r5, '!=', NO_OPTIONS, options)
      asm.load('u8', r0, r7, ETHERNET + 9)
      asm.jumpIf(r0, '==', Protocol.udp, whole)
      asm.bind(options)
    }
    asm.alu('and', r5, 15)
    asm.alu('lsh', r5, 2)
    asm.storeStack('u64', this.#stack.slot(LENGTH), r5)
    asm.jumpIf(r5, '<=', 20, plain)
    this.#emitHeader(r5, other)
    asm.bind(plain)
    asm.loadStack('u64', r8, this.#stack.slot(LENGTH))
  }

  /** Copy the IPv6 header and extension headers; r8 = length of them all, r9 = that of the packet. To `whole` as for IPv4. */
  #emitIpv6(whole: Label, other: Label): void {
    const asm = this.#asm
    const [top, extension, done] = ['next', 'extension', 'headers'].map((name) => asm.label(name)) as [
      Label,
      Label,
      Label,
    ]
    asm.mov(r8, 0)
    this.#emitHeader(40 + UDP_HEADER, other)
    asm.load('u16', r9, r7, ETHERNET + 4)
    asm.swap(r9, 16)
    asm.alu('add', r9, 40)
    asm.load('u8', r0, r7, ETHERNET + 6)
    if (this.#headersOnly) asm.jumpIf(r0, '==', Protocol.udp, whole)
    asm.mov(r8, 40)
    asm.mov(r9, r0)
    asm.storeStack('u64', this.#stack.slot(STEPS), 0)
    asm.bind(top)
    emitIfExtension(asm, r9, r0, extension)
    asm.jump(done)
    asm.bind(extension)
    this.#emitExtensionHeader(done)
    asm.jump(top)
    asm.bind(done)
    asm.load('u16', r9, r7, ETHERNET + 4)
    asm.swap(r9, 16)
    asm.alu('add', r9, 40)
  }

  /** Copy the extension header of kind r9 at r8; then r9 is the next one's, and r8 behind it. */
  #emitExtensionHeader(done: Label): void {
    const asm = this.#asm
    const [eights, sized] = [asm.label('units of 8'), asm.label('sized')]
    const [steps, length] = [this.#stack.slot(STEPS), this.#stack.slot(LENGTH)]
    asm.loadStack('u64', r0, steps)
    asm.jumpIf(r0, '>=', MAX_HEADERS, done)
    asm.alu('add', r0, 1)
    asm.storeStack('u64', steps, r0)
    asm.jumpIf(r8, '>', FRAME_LIMIT / 2, done)
    this.#emitHeader(8, done)
    asm.mov(r1, r7)
    asm.alu('add', r1, r8)
    asm.mov(r5, 8)
    asm.mov(r2, r9)
    asm.load('u8', r9, r1, ETHERNET)
    asm.jumpIf(r2, '==', Extension.fragment, sized)
    asm.load('u8', r5, r1, ETHERNET + 1)
    asm.jumpIf(r2, '!=', Extension.authentication, eights)
    asm.alu('add', r5, 2)
    asm.alu('lsh', r5, 2)
    asm.jump(sized)
    asm.bind(eights)
    asm.alu('add', r5, 1)
    asm.alu('lsh', r5, 3)
    asm.bind(sized)
    asm.alu('and', r5, LENGTH_MASK)
    asm.storeStack('u64', length, r5)
    this.#emitHeader(r5, done)
    asm.loadStack('u64', r0, length)
    asm.alu('add', r8, r0)
  }

  /** Copy so many bytes at offset r8 from the network header; to `missing` if they are not there. Uses r0 to r5. */
  #emitHeader(bytes: number | Register, missing: Label): void {
    const asm = this.#asm
    asm.mov(r1, r6)
    asm.mov(r2, r8)
    asm.mov(r3, r7)
    asm.alu('add', r3, ETHERNET)
    asm.alu('add', r3, r8)
    if (typeof bytes !== 'number') asm.jumpIf(bytes, '<', 1, missing)
    asm.mov(r4, bytes)
    asm.mov(r5, FROM_NETWORK_HEADER)
    asm.call(Helper.skbLoadBytesRelative)
    asm.jumpIf(r0, '!=', 0, missing)
  }

  /** Copy UDP or TCP header and payload behind the r8 bytes of IP. */
  #emitUpper(other: Label): void {
    const asm = this.#asm
    this.#frame.emitLength(r4)
    asm.mov(r3, r7)
    asm.alu('add', r3, ETHERNET)
    asm.alu('add', r3, r8)
    this.#frame.emitCopy(this.#first)
    asm.jumpIf(r0, '!=', 0, other)
  }

  emitExtension(beyond: Label): void {
    this.#frame.emitBound(beyond)
  }

  emitStart(register: Register): void {
    this.#frame.emitStart(register)
  }

  emitEnd(register: Register): void {
    this.#frame.emitEnd(register)
  }

  emitCopy(): void {
    this.#frame.emitCopyOut()
  }

  /** Bytes to keep: none of a packet to drop (XDP_DROP is 1, XDP_PASS 2), and 2^32 - 1 of others. */
  emitReturn(): void {
    const asm = this.#asm
    asm.mov(r0, 1)
    asm.alu('sub', r0, r7)
    asm.exit()
    asm.bind(this.#lost)
    asm.mov(r0, -1)
    asm.exit()
  }
}
