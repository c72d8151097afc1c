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
  r6,
  r7,
  r8,
  r9,
} from '../../asm/index.ts'
import type { Stack } from '../stack.ts'
import { FRAME_LIMIT } from './scratch.ts'

/** Offsets in `struct __sk_buff`. */
export const Skb = { length: 0, protocol: 16, ifindex: 40 } as const

/** Bytes of the Ethernet header that stands in front of the packet: two addresses of zeros and the EtherType. */
export const ETHERNET = 14
const TYPE_AT = 12

/** An IPv6 extension header must begin before this offset. */
const EXTENSION_LIMIT = FRAME_LIMIT / 2
/** More bytes than any packet has: the verifier wants to know of a limit, and Linux 6.1 forgets all when bytes are swapped. */
const LENGTH_MASK = 0xff_ffff

/** Stack slots with the addresses of the frame and of its end. */
const START = 'frame start'
const END = 'frame end'

/** A packet laid out as a frame in memory, for programs that cannot read it where it is. */
export class FrameBuffer {
  readonly #asm: Assembler
  readonly #stack: Stack

  constructor(asm: Assembler, stack: Stack) {
    this.#asm = asm
    this.#stack = stack
  }

  /** Stack slot with the address of the frame. */
  get slot(): number {
    return this.#stack.slot(START)
  }

  /** r7 = frame in the buffer at r0, with its EtherType; r4 = that, as a little-endian load finds it. */
  emitOpen(): void {
    const asm = this.#asm
    asm.mov(r7, r0)
    asm.storeStack('u64', this.slot, r7)
    asm.load('u32', r4, r6, Skb.protocol)
    asm.store('u16', r7, TYPE_AT, r4)
  }

  /** `register` = bytes of packet that the context has, from where it begins there. */
  emitLength(register: Register): void {
    this.#asm.load('u32', register, r6, Skb.length)
    this.#asm.alu('and', register, LENGTH_MASK)
  }

  /** Copy r4 bytes, `most` at most, of the packet to r3; r0 = 0 if they are there. Uses r1 to r5. */
  emitCopy(most: number): void {
    const asm = this.#asm
    const [fits, copied] = [asm.label('fits'), asm.label('copied')]
    asm.jumpIf(r4, '<=', most, fits)
    asm.mov(r4, most)
    asm.bind(fits)
    asm.mov(r0, 0)
    // Not '==' 0, of which Linux 6.1 does not learn that the length is at least 1.
    asm.jumpIf(r4, '<', 1, copied)
    asm.mov(r1, r6)
    asm.mov(r2, 0)
    asm.call(Helper.skbLoadBytes)
    asm.bind(copied)
  }

  /** The packet has r8 bytes: r8 = end of the frame, r9 = r7, r0 = its length. */
  emitClose(): void {
    const asm = this.#asm
    asm.mov(r0, r8)
    asm.alu('and', r0, LENGTH_MASK)
    asm.mov(r8, r7)
    asm.alu('add', r8, ETHERNET)
    asm.alu('add', r8, r0)
    asm.storeStack('u64', this.#stack.slot(END), r8)
    asm.mov(r9, r7)
    asm.mov(r0, r8)
    asm.alu('sub', r0, r7)
  }

  /** Tell the verifier how far the cursor (r9) can be from the frame (r7). Uses r0. */
  emitBound(beyond: Label): void {
    const asm = this.#asm
    asm.mov(r0, r9)
    asm.alu('sub', r0, r7)
    asm.jumpIf(r0, '>', EXTENSION_LIMIT, beyond)
    asm.mov(r9, r7)
    asm.alu('add', r9, r0)
  }

  emitStart(register: Register): void {
    this.#asm.loadStack('u64', register, this.slot)
  }

  emitEnd(register: Register): void {
    this.#asm.loadStack('u64', register, this.#stack.slot(END))
  }

  /** Copy r4 bytes of the frame, which are there, to r3. Uses r0 to r5. */
  emitCopyOut(): void {
    const asm = this.#asm
    asm.mov(r1, r3)
    asm.mov(r2, r4)
    this.emitStart(r3)
    asm.call(Helper.probeReadKernel)
  }
}
