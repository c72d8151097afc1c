import { type Assembler, fp, Helper, type Label, r0, r1, r2 } from '../../asm/index.ts'
import { OFFSET_MASK } from '../parse/context.ts'
import { KEY, type Stack } from '../stack.ts'

/** Per-CPU map of the buffers in which programs lay out a packet. */
export const SCRATCH = 'scratch'

/** Where the frame lies in a buffer: in a cache line of its own, behind a word that says whether the buffer is taken. */
const HEADROOM = 64
const TAKEN = -HEADROOM

/** Bytes of a packet that a program sees, with 14 for its Ethernet header. */
export const FRAME_LIMIT = OFFSET_MASK + 1
/** Room for a copy of that length behind the longest chain of extension headers; the kernel gives at most 32 KiB. */
export const SCRATCH_BYTES = 30 * 1024

/** Programs that may be at work on one CPU at once, where one can interrupt another. */
export const SCRATCH_BUFFERS = 4

/** r0 = frame in this CPU's buffer. For programs that no other can interrupt. */
export function emitOnlyBuffer(asm: Assembler, stack: Stack, none: Label): void {
  emitLookup(asm, stack, 0, none)
  asm.alu('add', r0, HEADROOM)
}

/** r0 = frame in a free buffer of this CPU's, which is taken until {@link emitRelease}. Uses r1. */
export function emitFreeBuffer(asm: Assembler, stack: Stack, none: Label): void {
  const got = asm.label('buffer')
  for (let buffer = 0; buffer < SCRATCH_BUFFERS; buffer++) {
    emitLookup(asm, stack, buffer, none)
    asm.alu('add', r0, HEADROOM)
    asm.mov(r1, 1)
    asm.atomic('exchange', 'u64', r0, TAKEN, r1)
    asm.jumpIf(r1, '==', 0, got)
  }
  asm.jump(none)
  asm.bind(got)
}

/** Give back the buffer whose frame's address is in a stack slot. Uses r1. */
export function emitRelease(asm: Assembler, frame: number): void {
  asm.loadStack('u64', r1, frame)
  asm.store('u64', r1, TAKEN, 0)
}

function emitLookup(asm: Assembler, stack: Stack, buffer: number, none: Label): void {
  const key = stack.slot(KEY)
  asm.storeStack('u32', key, buffer)
  asm.mov(r2, fp)
  asm.alu('add', r2, key)
  asm.loadMap(r1, SCRATCH)
  asm.call(Helper.mapLookup)
  asm.jumpIf(r0, '==', 0, none)
}
