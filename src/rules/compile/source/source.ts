import type { Label, Register } from '../../asm/index.ts'

/**
 * How a program gets at its packet. At every attach point the packet is a frame in memory, with a start, an end, and pointers that are
 * compared with the end before they are followed. A verifier that does not understand the comparison (it does for XDP only) must be
 * able to tell from masks that a pointer lies less than `OFFSET_MASK` bytes behind the start.
 */
export interface PacketSource {
  /** Bytes that can be read at most, from the start. */
  readonly limit: number
  /** Offset of the interface's number in the context (r6). */
  readonly ifindex: number
  /** First of all, with the context in r1: r6 = context, r7 = frame, r8 = its end, r9 = r7, r0 = length. Uses r1 to r5. */
  emitBegin(): void
  /** Before an IPv6 extension header at the cursor (r9) is read; to `beyond` if it is too far from the start. Uses r0 and r1. */
  emitExtension(beyond: Label): void
  /** In the matching half: `register` = first byte of the frame. */
  emitStart(register: Register): void
  /** In the matching half: `register` = end of the frame. */
  emitEnd(register: Register): void
  /** In the end: copy r4 bytes of the frame, 1 to `SAMPLE_BYTES` and as many as there are, to r3. Uses r0 to r5. */
  emitCopy(): void
  /** The end: return what stands for the verdict in r7. */
  emitReturn(): void
}
