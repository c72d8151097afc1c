import { type Assembler, type Label, type Register, r1, r2, r3, r4, r5, type SizeName } from '../asm/index.ts'
import { MAX_INDEX } from './bounds.ts'
import type { LoadSize } from './operation.ts'

/**
 * How a translated program gets at the packet. An access may use r1 to r5 and keeps what it needs there from call to call; the program
 * uses r0, r7 and r9. Numbers are big-endian; where bytes are missing, an access goes to `otherwise`.
 */
export interface PacketAccess {
  /** Bytes of a packet that can be read at most; a load beyond is out of bounds. */
  readonly limit: number
  /** Once, before all else. */
  begin(asm: Assembler): void
  /** From here on, {@link load} may read the first `bytes` bytes. */
  require(asm: Assembler, bytes: number, otherwise: Label): void
  load(asm: Assembler, to: Register, offset: number, size: LoadSize): void
  /** From here on, {@link loadFrom} may read `bytes` bytes behind those that `index` counts, until the next call. */
  requireFrom(asm: Assembler, index: Register, bytes: number, otherwise: Label): void
  loadFrom(asm: Assembler, to: Register, index: Register, offset: number, size: LoadSize): void
  /** Reads at an offset of 32 bits in a register, wherever that is. */
  loadAt(asm: Assembler, to: Register, offset: Register, size: LoadSize, otherwise: Label): void
  length(asm: Assembler, to: Register): void
}

const SIZES: Readonly<Record<LoadSize, SizeName>> = { 1: 'u8', 2: 'u16', 4: 'u32' }
/** Furthest offset of a load instruction. */
const MAX_DISPLACEMENT = 0x7fff

/** A packet in memory: where it begins and ends, and how much of it can be read, bytes. */
export interface PacketMemory {
  readonly limit: number
  emitStart(register: Register): void
  emitEnd(register: Register): void
}

/** Access to a packet in memory: r2 = frame, r3 = its end, r5 = frame from an index on. */
export class DirectAccess implements PacketAccess {
  readonly limit: number
  readonly #memory: PacketMemory

  constructor(memory: PacketMemory) {
    this.limit = memory.limit
    this.#memory = memory
  }

  begin(): void {
    this.#memory.emitStart(r2)
    this.#memory.emitEnd(r3)
  }

  require(asm: Assembler, bytes: number, otherwise: Label): void {
    requireBehind(asm, r2, bytes, otherwise)
  }

  load(asm: Assembler, to: Register, offset: number, size: LoadSize): void {
    if (offset <= MAX_DISPLACEMENT) return loadSwapped(asm, to, r2, offset, size)
    asm.mov(r4, r2)
    asm.alu('add', r4, offset)
    loadSwapped(asm, to, r4, 0, size)
  }

  requireFrom(asm: Assembler, index: Register, bytes: number, otherwise: Label): void {
    // It never is, but verifiers cannot always tell.
    asm.jumpIf(index, '>', MAX_INDEX, otherwise)
    asm.mov(r5, r2)
    asm.alu('add', r5, index)
    requireBehind(asm, r5, bytes, otherwise)
  }

  loadFrom(asm: Assembler, to: Register, _index: Register, offset: number, size: LoadSize): void {
    loadSwapped(asm, to, r5, offset, size)
  }

  loadAt(asm: Assembler, to: Register, offset: Register, size: LoadSize, otherwise: Label): void {
    asm.jumpIf(offset, '>', this.limit - size, otherwise)
    asm.mov(r1, r2)
    asm.alu('add', r1, offset)
    requireBehind(asm, r1, size, otherwise)
    loadSwapped(asm, to, r1, 0, size)
  }

  length(asm: Assembler, to: Register): void {
    asm.mov(to, r3)
    asm.alu('sub', to, r2)
  }
}

/** To `otherwise` unless so many bytes lie between a pointer and the end of the frame. Uses r4. */
function requireBehind(asm: Assembler, pointer: Register, bytes: number, otherwise: Label): void {
  asm.mov(r4, pointer)
  asm.alu('add', r4, bytes)
  asm.jumpIf(r4, '>', r3, otherwise)
}

function loadSwapped(asm: Assembler, to: Register, base: Register, offset: number, size: LoadSize): void {
  asm.load(SIZES[size], to, base, offset)
  if (size > 1) asm.swap(to, size === 2 ? 16 : 32)
}
