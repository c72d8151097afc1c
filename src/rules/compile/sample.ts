import { type Assembler, Helper, r0, r1, r2, r3, r8 } from '../asm/index.ts'
import { SAMPLES_LOST } from '../counters.ts'
import { emitCount } from './count.ts'
import { emitPacketRecord, PacketRecord } from './packet-record.ts'
import type { PacketSource } from './source/source.ts'
import { SAMPLED_BY, type Stack } from './stack.ts'

export const SAMPLES = 'samples'

/** Bytes of a packet that a sample carries at most. */
export const SAMPLE_BYTES = 256

/** Offsets in a sample. */
export const SampleRecord = {
  ...PacketRecord,
  /** u32, slot of the sampling rule. */
  sampledBy: 28,
  size: PacketRecord.bytes + SAMPLE_BYTES,
} as const

/**
 * Copy the packet to the ring buffer if a rule samples it, with the deciding slot in r9 and the verdict in r7, which stay; a full one loses
 * the sample, which is counted.
 */
export function emitSample(asm: Assembler, stack: Stack, source: PacketSource): void {
  const [done, lost] = [asm.label('sampled'), asm.label('sample lost')]
  asm.loadStack('u64', r1, stack.slot(SAMPLED_BY))
  asm.jumpIf(r1, '==', 0, done)
  asm.loadMap(r1, SAMPLES)
  asm.mov(r2, SampleRecord.size)
  asm.mov(r3, 0)
  asm.call(Helper.ringbufReserve)
  asm.jumpIf(r0, '==', 0, lost)
  asm.mov(r8, r0)
  asm.call(Helper.ktimeGetNs)
  asm.mov(r2, r0)
  emitPacketRecord(asm, stack, source, {
    most: SAMPLE_BYTES,
    emitOwn: () => asm.loadStack('u64', r1, stack.slot(SAMPLED_BY)),
  })
  asm.jump(done)
  asm.bind(lost)
  asm.mov(r1, SAMPLES_LOST)
  emitCount(asm, stack)
  asm.bind(done)
}
