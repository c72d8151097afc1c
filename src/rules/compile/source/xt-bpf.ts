import { type Assembler, type Label, type Register, r0, r1, r2, r3, r4, r5, r6, r7, r8 } from '../../asm/index.ts'
import type { Stack } from '../stack.ts'
import { ETHERNET, FrameBuffer, Skb } from './frame-buffer.ts'
import { emitFreeBuffer, emitRelease, FRAME_LIMIT } from './scratch.ts'
import type { PacketSource } from './source.ts'

/** Longest headers of IPv4 and TCP together, bytes. */
const HEADERS = 120
const WHOLE = 'whole packet copied'
const SAVED = [r2, r3, r4, r5] as const

/**
 * What a rule of iptables looks at: an skb that begins with the network header. Rules for packets that leave the machine run in process
 * context, where soft interrupts run rules as well, so each run takes a buffer of its own. A packet that is dropped matches.
 */
export class XtBpfSource implements PacketSource {
  readonly limit = FRAME_LIMIT
  readonly ifindex = Skb.ifindex
  readonly #asm: Assembler
  readonly #stack: Stack
  readonly #frame: FrameBuffer
  readonly #first: number
  readonly #lost: Label

  /** @param reach bytes of a payload that rules look at */
  constructor(asm: Assembler, stack: Stack, reach: number) {
    this.#asm = asm
    this.#stack = stack
    this.#frame = new FrameBuffer(asm, stack)
    this.#first = Math.min(HEADERS + reach, FRAME_LIMIT - ETHERNET)
    this.#lost = asm.label('no buffer')
  }

  emitBegin(): void {
    const asm = this.#asm
    const there = asm.label('packet there')
    asm.mov(r6, r1)
    emitFreeBuffer(asm, this.#stack, this.#lost)
    this.#frame.emitOpen()
    this.#frame.emitLength(r8)
    asm.mov(r4, r8)
    this.#emitCopy(this.#first)
    asm.jumpIf(r0, '==', 0, there)
    asm.mov(r8, 0)
    asm.bind(there)
    this.#frame.emitClose()
    asm.storeStack('u64', this.#stack.slot(WHOLE), 0)
  }

  /** Extension headers may be longer than all that was copied. */
  emitExtension(beyond: Label): void {
    const asm = this.#asm
    const whole = asm.label('whole packet')
    this.#frame.emitBound(beyond)
    asm.loadStack('u64', r0, this.#stack.slot(WHOLE))
    asm.jumpIf(r0, '!=', 0, whole)
    asm.storeStack('u64', this.#stack.slot(WHOLE), 1)
    for (const register of SAVED) asm.storeStack('u64', this.#saved(register), register)
    asm.mov(r4, r8)
    asm.alu('sub', r4, r7)
    asm.alu('sub', r4, ETHERNET)
    this.#emitCopy(FRAME_LIMIT - ETHERNET)
    for (const register of SAVED) asm.loadStack('u64', register, this.#saved(register))
    asm.bind(whole)
  }

  #saved(register: Register): number {
    return this.#stack.slot(`saved ${register.register}`)
  }

  #emitCopy(most: number): void {
    this.#asm.mov(r3, r7)
    this.#asm.alu('add', r3, ETHERNET)
    this.#frame.emitCopy(most)
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

  /** 1 for a packet to drop (XDP_DROP is 1, XDP_PASS 2). Without a buffer nothing matches. */
  emitReturn(): void {
    const asm = this.#asm
    emitRelease(asm, this.#frame.slot)
    asm.mov(r0, r7)
    asm.alu('and', r0, 1)
    asm.exit()
    asm.bind(this.#lost)
    asm.mov(r0, 0)
    asm.exit()
  }
}
