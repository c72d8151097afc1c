import { type Assembler, type Label, r0, r1, r2, r3, r4, r5 } from '../asm/index.ts'
import { GUIDE6_BITS, type Half, Header, NARROW6_BITS, type SetGeometry, Slot } from './geometry.ts'
import { emitAddress, emitGuide, emitProbe } from './probe.ts'

/** Bytes of stack that {@link emitLookup6} needs. */
export const LOOKUP6_STACK = 32

interface Lookup6 {
  readonly asm: Assembler
  readonly symbol: string
  readonly geometry: SetGeometry
  readonly hit: Label
  /** Goes on with the next length. */
  readonly next: Label
  readonly stack: Stack
}

/** Offsets from the frame pointer. */
interface Stack {
  readonly low: number
  readonly high: number
  readonly lengths: number
  /** Next word of the header's list of lengths. */
  readonly list: number
}

/**
 * Emits `hit` or `miss` for the IPv6 address whose upper 64 bits are in r1 and lower in r2, host byte order.
 * Clobbers r0 to r5 and {@link LOOKUP6_STACK} bytes of stack from `fp + stack`, a negative multiple of 8.
 */
export function emitLookup6(
  asm: Assembler,
  symbol: string,
  geometry: SetGeometry,
  hit: Label,
  miss: Label,
  stack: number,
): void {
  const at: Stack = { low: stack, high: stack + 8, lengths: stack + 16, list: stack + 24 }
  asm.storeStack('u64', at.low, r2)
  asm.mov(r3, r1)
  asm.alu('rsh', r3, 64 - GUIDE6_BITS + 2)
  emitAddress(asm, r2, symbol, geometry.guide6.offset, r3)
  asm.mov(r3, r1)
  asm.alu('rsh', r3, 64 - GUIDE6_BITS)
  emitGuide(asm, r2, r3, hit, miss)
  emitCell(asm, symbol, geometry, miss)
  emitLengths({ asm, symbol, geometry, hit, next: asm.label('next'), stack: at }, miss)
}

/** r5 = list of lengths for the address's first 32 bits, if the filter has them; see `LengthCells`. */
function emitCell(asm: Assembler, symbol: string, geometry: SetGeometry, miss: Label): void {
  const [first, second] = geometry.secret.short
  const { filter, offset, log } = geometry.cells6
  asm.mov(r3, r1)
  asm.alu('rsh', r3, 32)
  asm.alu32('mul', r3, first | 0)
  asm.alu32('mov', r0, r3)
  asm.alu32('rsh', r0, 15)
  asm.alu32('xor', r3, r0)
  asm.alu32('mul', r3, second | 0)
  asm.alu32('mov', r4, r3)
  asm.alu32('rsh', r4, 29 - log)
  asm.alu32('and', r4, 7)
  asm.alu32('rsh', r3, 32 - log)
  emitAddress(asm, r0, symbol, filter, r3)
  asm.load('u8', r0, r0, 0)
  asm.alu('rsh', r0, r4)
  asm.alu('and', r0, 1)
  asm.jumpIf(r0, '==', 0, miss)
  asm.alu('lsh', r3, 3)
  emitAddress(asm, r0, symbol, offset, r3)
  asm.load('u64', r5, r0, 0)
  asm.jumpIf(r5, '==', 0, miss)
}

/** Tries each length of the list in r5, lowest byte first; then, if the list had run over, the header's words. */
function emitLengths(lookup: Lookup6, miss: Label): void {
  const { asm, symbol, geometry, next, stack } = lookup
  const [loop, word, wide] = [asm.label('length'), asm.label('word'), asm.label('wide')]
  asm.storeStack('u64', stack.list, 0)
  asm.jumpIf(r5, '==', -1, word)
  asm.storeStack('u64', stack.list, geometry.lengthWords)
  asm.bind(loop)
  asm.mov(r4, r5)
  asm.alu('and', r4, 0xff)
  asm.alu('rsh', r5, 8)
  asm.jumpIf(r4, '>', NARROW6_BITS, wide)
  emitNarrow(lookup)
  asm.bind(wide)
  emitWide(lookup)
  asm.bind(next)
  asm.jumpIf(r5, '!=', 0, loop)
  asm.bind(word)
  asm.loadStack('u64', r3, stack.list)
  asm.jumpIf(r3, '>=', geometry.lengthWords, miss)
  asm.mov(r4, r3)
  asm.alu('add', r3, 1)
  asm.storeStack('u64', stack.list, r3)
  asm.alu('lsh', r4, 3)
  emitAddress(asm, r0, symbol, Header.lengths6, r4)
  asm.load('u64', r5, r0, 0)
  asm.jumpIf(r5, '!=', 0, loop)
  asm.jump(miss)
}

function emitNarrow({ asm, symbol, geometry, hit, next }: Lookup6): void {
  const [first, second] = geometry.secret.long
  asm.mov(r2, r1)
  emitKey(asm, NARROW6_BITS)
  emitMultiply(asm, r2, first)
  asm.mov(r0, r2)
  asm.alu('rsh', r0, 32)
  asm.alu('xor', r2, r0)
  emitMultiply(asm, r2, second)
  emitPlace(asm, geometry.narrow6.logBuckets)
  emitProbe(asm, { symbol, geometry, table: 'narrow6', hit, miss: next })
  asm.jump(next)
}

function emitWide({ asm, symbol, geometry, hit, next, stack }: Lookup6): void {
  const [first, second, third] = geometry.secret.long
  const miss = asm.label('wide miss')
  asm.loadStack('u64', r2, stack.low)
  emitKey(asm, 128)
  asm.storeStack('u64', stack.high, r1)
  asm.storeStack('u64', stack.lengths, r5)
  asm.mov(r5, r2)
  emitMultiply(asm, r2, second)
  emitMultiply(asm, r1, first)
  asm.alu('xor', r2, r1)
  asm.mov(r0, r2)
  asm.alu('rsh', r0, 32)
  asm.alu('xor', r2, r0)
  emitMultiply(asm, r2, third)
  emitPlace(asm, geometry.wide6.logBuckets)
  emitRest(asm)
  emitProbe(asm, { symbol, geometry, table: 'wide6', hit, miss })
  asm.bind(miss)
  asm.loadStack('u64', r1, stack.high)
  asm.loadStack('u64', r5, stack.lengths)
  asm.jump(next)
}

/** r1 = the slot's second word: r5 without its topmost bit, which goes into the first word, r4. */
function emitRest(asm: Assembler): void {
  asm.mov(r1, r5)
  asm.alu('rsh', r5, 63)
  asm.alu('lsh', r5, Math.log2(Slot.restTop))
  asm.alu('or', r4, r5)
  asm.alu('lsh', r1, 1)
  asm.alu('rsh', r1, 1)
}

/** Cuts r2 (64 bits of which the prefix, r4 bits long, ends `bits` later) and marks its end; r4 = flags of the slot word. */
function emitKey(asm: Assembler, bits: number): void {
  asm.mov(r0, bits)
  asm.alu('sub', r0, r4)
  asm.alu('rsh', r2, r0)
  asm.alu('lsh', r2, r0)
  asm.mov(r3, 1)
  asm.alu('lsh', r3, r0)
  asm.alu('rsh', r3, 1)
  asm.alu('or', r2, r3)
  asm.mov(r4, r0)
  asm.alu('sub', r4, 1)
  asm.alu('rsh', r4, 63)
  asm.alu('lsh', r4, Math.log2(Slot.full))
  asm.alu('or', r4, Slot.taken)
}

function emitMultiply(asm: Assembler, value: typeof r2, [low, high]: Half): void {
  asm.constant(r0, (BigInt(high) << 32n) | BigInt(low))
  asm.alu('mul', value, r0)
}

/** r3 = bucket, and the rest of the hash in r2 goes into the slot's word, r4. */
function emitPlace(asm: Assembler, logBuckets: number): void {
  asm.mov(r3, r2)
  asm.alu('rsh', r3, 64 - logBuckets)
  asm.alu('lsh', r2, logBuckets)
  asm.alu('rsh', r2, 1)
  asm.alu('or', r4, r2)
}
