import { type Assembler, type Label, type Register, r0, r2, r3, r4 } from '../asm/index.ts'
import { BUCKET_SLOTS, Slot, type TableGeometry } from './geometry.ts'

export interface Probe {
  readonly symbol: string
  readonly table: TableGeometry
  readonly slotBytes: 4 | 8 | 16
  readonly hit: Label
  readonly next: Label
  /** Jumps to `hit` if the slot's second word fits too; may use r2 and r3. The slot's first word is at r0 + offset. */
  readonly confirm?: (offset: number) => void
  /** Called with r3 = offset of the first bucket, before it is searched. */
  readonly keep?: () => void
  /** Puts r3 back. */
  readonly restore?: () => void
}

/**
 * Searches both buckets for the slot word in r4. r3 = number of the first bucket, below 2^logBuckets.
 * Clobbers r0, r2, r3 and r4; goes to `next` if the element is not there.
 */
export function emitProbe(asm: Assembler, probe: Probe): void {
  const { table, slotBytes, next } = probe
  const logStride = Math.log2(BUCKET_SLOTS * slotBytes)
  asm.alu('lsh', r3, logStride)
  probe.keep?.()
  emitScan(asm, probe)
  probe.restore?.()
  // The second bucket: the step is in the upper bits of the slot word.
  asm.mov(r2, r4)
  if (slotBytes === 4) asm.alu32('rsh', r2, 32 - table.logBuckets)
  else asm.alu('rsh', r2, 64 - table.logBuckets)
  asm.alu('or', r2, 1)
  asm.alu('lsh', r2, logStride)
  asm.alu('xor', r3, r2)
  asm.alu('and', r3, (2 ** table.logBuckets - 1) * 2 ** logStride)
  asm.alu('or', r4, Slot.second)
  emitScan(asm, probe)
  asm.jump(next)
}

function emitScan(asm: Assembler, probe: Probe): void {
  const { slotBytes, hit, next, confirm } = probe
  const step = slotBytes === 4 ? 4 : 8
  asm.loadMapValue(r0, probe.symbol, probe.table.offset)
  asm.alu('add', r0, r3)
  for (let i = 0; i < BUCKET_SLOTS; i++) {
    asm.load(slotBytes === 4 ? 'u32' : 'u64', r2, r0, i * step)
    if (confirm) {
      const other = asm.label('other')
      asm.jumpIf(r2, '==', Slot.empty, next)
      asm.jumpIf(r2, '!=', r4, other)
      confirm(i * step)
      asm.bind(other)
    } else {
      asm.jumpIf(r2, '==', r4, hit)
      asm.jumpIf(r2, '==', Slot.empty, next)
    }
  }
}

/** `into` = &memory + offset + index, where index is bounded. */
export function emitAddress(asm: Assembler, into: Register, symbol: string, offset: number, index: Register): void {
  asm.loadMapValue(into, symbol, offset)
  asm.alu('add', into, index)
}

/** Goes to `miss` or `hit`, or on if the block's state (two bits of the byte at `base + byte`) says to look. r0 = address's block. */
export function emitGuide(asm: Assembler, base: Register, block: Register, hit: Label, miss: Label): void {
  asm.load('u8', base, base, 0)
  asm.alu32('and', block, 3)
  asm.alu32('lsh', block, 1)
  asm.alu32('rsh', base, block)
  asm.alu32('and', base, 3)
  asm.jumpIf(base, '==', 0, miss)
  asm.jumpIf(base, '==', 1, hit)
}
