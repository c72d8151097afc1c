import { type Assembler, Helper, type Register, r0, r1, r2, r6, r7, r8, r9 } from '../../asm/index.ts'
import type { PacketSource } from './source.ts'

/** Offsets in `struct xdp_md`. */
const [DATA, DATA_END, INGRESS_IFINDEX] = [0, 4, 12]

/** The frame itself. */
export class XdpSource implements PacketSource {
  readonly #asm: Assembler
  /** `MAX_PACKET_OFF` of the verifier. */
  readonly limit = 0xffff
  readonly ifindex = INGRESS_IFINDEX

  constructor(asm: Assembler) {
    this.#asm = asm
  }

  emitBegin(): void {
    const asm = this.#asm
    asm.mov(r6, r1)
    this.emitStart(r7)
    this.emitEnd(r8)
    asm.mov(r9, r7)
    asm.mov(r0, r8)
    asm.alu('sub', r0, r7)
  }

  /** Nothing: the whole frame can be read. */
  emitExtension(): void {}

  emitStart(register: Register): void {
    this.#asm.load('u32', register, r6, DATA)
  }

  emitEnd(register: Register): void {
    this.#asm.load('u32', register, r6, DATA_END)
  }

  emitCopy(): void {
    const asm = this.#asm
    asm.mov(r1, r6)
    asm.mov(r2, 0)
    asm.call(Helper.xdpLoadBytes)
  }

  emitReturn(): void {
    this.#asm.mov(r0, r7)
    this.#asm.exit()
  }
}
