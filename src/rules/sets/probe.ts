import { type Assembler, type Label, type Register, r0, r1, r2, r3, r4, r5 } from '../asm/index.ts'
import { BUCKET_SLOTS, type SetGeometry, Slot, slotBytes, type TableName } from './geometry.ts'

export interface Probe {
  readonly symbol: string
  readonly geometry: SetGeometry
  readonly table: TableName
  readonly hit: Label
  readonly miss: Label
}

/**
 * Searches both buckets of an element for its slot: r3 = number of the first bucket (below 2^logBuckets), r4 = the slot's
 * first word, r1 = its second (wide6 only, which clobbers r5 too). Clobbers r0, r2, r3 and r4.
 *
 * A bucket is compared without branches: packets would mispredict them, and the verifier keeps a state for each.
 */
export function emitProbe(asm: Assembler, probe: Probe): void {
  const { symbol, geometry, table, hit, miss } = probe
  const { logBuckets, offset } = geometry[table]
  const logStride = Math.log2(BUCKET_SLOTS * slotBytes[table])
  const narrow = table === 'table4'
  asm.alu('lsh', r3, logStride)
  emitAddress(asm, r0, symbol, offset, r3)
  emitScan(asm, table)
  asm.jumpIf(r3, 's<', 0, hit)
  asm.load(narrow ? 'u32' : 'u64', r2, r0, (BUCKET_SLOTS - 1) * (narrow ? 4 : 8))
  asm.jumpIf(r2, '==', Slot.empty, miss)
  // The bucket is full. The step to the second one is in the upper bits of the slot's word.
  asm.mov(r3, r0)
  asm.loadMapValue(r0, symbol, offset)
  asm.alu('sub', r3, r0)
  asm.mov(r2, r4)
  if (narrow) asm.alu32('rsh', r2, 32 - logBuckets)
  else asm.alu('rsh', r2, 64 - logBuckets)
  asm.alu('or', r2, 1)
  asm.alu('lsh', r2, logStride)
  asm.alu('xor', r3, r2)
  asm.alu('and', r3, (2 ** logBuckets - 1) * 2 ** logStride)
  asm.alu('add', r0, r3)
  asm.alu('or', r4, Slot.second)
  emitScan(asm, table)
  asm.jumpIf(r3, 's<', 0, hit)
}

/**
 * Makes r3 negative if a slot of the bucket at r0 equals the words looked for. The difference of two words is below 2^63
 * (their topmost bits are zero), so that one less than it is negative only if they are equal.
 */
function emitScan(asm: Assembler, table: TableName): void {
  for (let i = 0; i < BUCKET_SLOTS; i++) {
    const difference = i === 0 ? r3 : r2
    asm.load(table === 'table4' ? 'u32' : 'u64', difference, r0, i * (table === 'table4' ? 4 : 8))
    asm.alu('xor', difference, r4)
    if (table === 'wide6') {
      asm.load('u64', r5, r0, (BUCKET_SLOTS + i) * 8)
      asm.alu('xor', r5, r1)
      asm.alu('or', difference, r5)
    }
    asm.alu('sub', difference, 1)
    if (i > 0) asm.alu('or', r3, difference)
  }
}

/** `into` = &memory + offset + index, where index is bounded. */
export function emitAddress(asm: Assembler, into: Register, symbol: string, offset: number, index: Register): void {
  asm.loadMapValue(into, symbol, offset)
  asm.alu('add', into, index)
}

/** Goes to `miss` or `hit`, or on if the state of the block (two bits of the byte at `byte`) says to look further. */
export function emitGuide(asm: Assembler, byte: Register, block: Register, hit: Label, miss: Label): void {
  asm.load('u8', byte, byte, 0)
  asm.alu32('and', block, 3)
  asm.alu32('lsh', block, 1)
  asm.alu32('rsh', byte, block)
  asm.alu32('and', byte, 3)
  asm.jumpIf(byte, '==', 0, miss)
  asm.jumpIf(byte, '==', 1, hit)
}
