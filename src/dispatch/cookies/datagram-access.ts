import { type Assembler, fp, Helper, type Label, type Register, r1, r2, r3, r4, r6 } from '../../rules/asm/index.ts'
import type { LoadSize, PacketAccess } from '../../rules/classic/index.ts'

/** Octets of a UDP header, at which a program of a group begins to see the packet. */
const HEADER = 8

/** Where `struct sk_reuseport_md` has the length from there on. */
const LENGTH = 16

/** Slot of the stack that a load goes through. */
const SLOT = -8

const SIZES = { 1: 'u8', 2: 'u16', 4: 'u32' } as const

/** Access to the payload of a datagram, wherever the kernel keeps it. r6 = context of a program of a group with SO_REUSEPORT. */
export class DatagramAccess implements PacketAccess {
  readonly limit = 0xffff - HEADER

  begin(): void {}

  require(asm: Assembler, bytes: number, otherwise: Label): void {
    asm.load('u32', r1, r6, LENGTH)
    asm.jumpIf(r1, '<', bytes + HEADER, otherwise)
  }

  load(asm: Assembler, to: Register, offset: number, size: LoadSize): void {
    asm.mov(r2, offset + HEADER)
    read(asm, to, size)
  }

  requireFrom(asm: Assembler, index: Register, bytes: number, otherwise: Label): void {
    asm.load('u32', r1, r6, LENGTH)
    asm.mov(r2, index)
    asm.alu('add', r2, bytes + HEADER)
    asm.jumpIf(r2, '>', r1, otherwise)
  }

  loadFrom(asm: Assembler, to: Register, index: Register, offset: number, size: LoadSize): void {
    asm.mov(r2, index)
    asm.alu('add', r2, offset + HEADER)
    read(asm, to, size)
  }

  loadAt(asm: Assembler, to: Register, offset: Register, size: LoadSize, otherwise: Label): void {
    asm.mov(r2, offset)
    asm.alu('add', r2, size + HEADER)
    asm.load('u32', r1, r6, LENGTH)
    asm.jumpIf(r2, '>', r1, otherwise)
    asm.alu('sub', r2, size)
    read(asm, to, size)
  }

  length(asm: Assembler, to: Register): void {
    asm.load('u32', to, r6, LENGTH)
    asm.alu32('sub', to, HEADER)
  }
}

/** At the offset in r2, which is known to be inside. */
function read(asm: Assembler, to: Register, size: LoadSize): void {
  asm.storeStack('u64', SLOT, 0)
  asm.mov(r1, r6)
  asm.mov(r3, fp)
  asm.alu('add', r3, SLOT)
  asm.mov(r4, size)
  asm.call(Helper.skbLoadBytes)
  asm.loadStack(SIZES[size], to, SLOT)
  if (size > 1) asm.swap(to, size === 2 ? 16 : 32)
}
