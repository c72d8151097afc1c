import { type Assembler, type Label, type Register, r1, r2, r3, r4, type SizeName } from '../asm/index.ts'
import type { LoadSize } from './operation.ts'

/**
 * How a translated program gets at the packet. Registers r0, r6 to r9 are the program's: an access may use r1 to r5, and must leave the others.
 */
export interface PacketAccess {
  /** Bytes of a packet that can be read at most; a load beyond is out of bounds. */
  readonly limit: number
  /** Once, before all else. */
  begin(asm: Assembler): void
  /** To `otherwise` unless the packet has so many bytes. From then on {@link load} may read them. */
  require(asm: Assembler, bytes: number, otherwise: Label): void
  /** The big-endian number at a fixed offset. */
  load(asm: Assembler, to: Register, offset: number, size: LoadSize): void
  /** The big-endian number at an offset in a register (32 bits); to `otherwise` if the packet does not have all of it. */
  loadAt(asm: Assembler, to: Register, offset: Register, size: LoadSize, otherwise: Label): void
  length(asm: Assembler, to: Register): void
}

const SIZES: Readonly<Record<LoadSize, SizeName>> = { 1: 'u8', 2: 'u16', 4: 'u32' }
/** Furthest offset of a load instruction. */
const MAX_DISPLACEMENT = 0x7fff
/** Offset and size of `data` and `data_end` in `struct xdp_md`. */
const [DATA, DATA_END] = [0, 4]

/** Direct access in XDP programs, the context in `context`: r2 = frame, r3 = its end. */
export class DirectAccess implements PacketAccess {
  /** `MAX_PACKET_OFF` of the verifier. */
  readonly limit = 0xffff
  readonly #context: Register

  constructor(context: Register) {
    this.#context = context
  }

  begin(asm: Assembler): void {
    asm.load('u32', r2, this.#context, DATA)
    asm.load('u32', r3, this.#context, DATA_END)
  }

  require(asm: Assembler, bytes: number, otherwise: Label): void {
    asm.mov(r4, r2)
    asm.alu('add', r4, bytes)
    asm.jumpIf(r4, '>', r3, otherwise)
  }

  load(asm: Assembler, to: Register, offset: number, size: LoadSize): void {
    if (offset <= MAX_DISPLACEMENT) return loadSwapped(asm, to, r2, offset, size)
    asm.mov(r4, r2)
    asm.alu('add', r4, offset)
    loadSwapped(asm, to, r4, 0, size)
  }

  loadAt(asm: Assembler, to: Register, offset: Register, size: LoadSize, otherwise: Label): void {
    asm.jumpIf(offset, '>', this.limit - size, otherwise)
    asm.mov(r4, r2)
    asm.alu('add', r4, offset)
    asm.mov(r1, r4)
    asm.alu('add', r1, size)
    asm.jumpIf(r1, '>', r3, otherwise)
    loadSwapped(asm, to, r4, 0, size)
  }

  length(asm: Assembler, to: Register): void {
    asm.mov(to, r3)
    asm.alu('sub', to, r2)
  }
}

function loadSwapped(asm: Assembler, to: Register, base: Register, offset: number, size: LoadSize): void {
  asm.load(SIZES[size], to, base, offset)
  if (size > 1) asm.swap(to, size === 2 ? 16 : 32)
}
