import { type Assembler, Helper, r1, r2, r3, r4, r6, r7, r8, r9 } from '../asm/index.ts'
import type { PacketSource } from './source/index.ts'
import { FRAME_LENGTH, type Stack } from './stack.ts'

/** Offsets in a packet that the data path copied to a ring buffer (little-endian): what `seawall/firewall` reads. */
export const PacketRecord = {
  /** u64, CLOCK_MONOTONIC nanoseconds. */
  timestamp: 0,
  /** u32 each: deciding counter slot, XDP verdict, length of the frame, bytes captured, interface. A u32 at 28 depends on the ring. */
  rule: 8,
  verdict: 12,
  length: 16,
  captured: 20,
  ifindex: 24,
  bytes: 32,
} as const

const OWN = 28

export interface RecordContents {
  /** Bytes of the packet that there is room for. */
  readonly most: number
  /** Leave in r1 what this ring's records have of their own. */
  emitOwn(): void
}

/**
 * Fill the record at r8 with the packet, at the time in r2, with the deciding slot in r9 and the verdict in r7, which stay, and hand it
 * over. Clobbers r0 to r5.
 */
export function emitPacketRecord(
  asm: Assembler,
  stack: Stack,
  source: PacketSource,
  { most, emitOwn }: RecordContents,
): void {
  const [whole, submit] = [asm.label('whole packet'), asm.label('submit')]
  asm.store('u64', r8, PacketRecord.timestamp, r2)
  asm.store('u32', r8, PacketRecord.rule, r9)
  asm.store('u32', r8, PacketRecord.verdict, r7)
  asm.load('u32', r1, r6, source.ifindex)
  asm.store('u32', r8, PacketRecord.ifindex, r1)
  emitOwn()
  asm.store('u32', r8, OWN, r1)
  asm.loadStack('u64', r4, stack.slot(FRAME_LENGTH))
  asm.store('u32', r8, PacketRecord.length, r4)
  asm.jumpIf(r4, '<=', most, whole)
  asm.mov(r4, most)
  asm.bind(whole)
  asm.store('u32', r8, PacketRecord.captured, r4)
  // Not '==' 0, of which Linux 6.1 does not learn that the length is at least 1.
  asm.jumpIf(r4, '<', 1, submit)
  asm.mov(r3, r8)
  asm.alu('add', r3, PacketRecord.bytes)
  source.emitCopy()
  asm.bind(submit)
  asm.mov(r1, r8)
  asm.mov(r2, 0)
  asm.call(Helper.ringbufSubmit)
}
