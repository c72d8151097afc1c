import { type Half, NARROW6_BITS, type SetGeometry, Slot } from './geometry.ts'

/** Where a prefix goes in a table: its bucket, and the words that stand for it there. */
export class Place {
  bucket = 0
  /** First word of the slot without {@link Slot.second}; `high` is zero in a table of 4-byte slots. */
  low = 0
  high = 0
  /** Second word, of 16-byte slots. */
  restLow = 0
  restHigh = 0

  /** Distance (by exclusive or) to the second bucket. */
  step = 0
}

/** Hash of 32 bits; the upper bits are the good ones. */
export function mix32(x: number, [first, second]: readonly [number, number]): number {
  const y = Math.imul(x, first)
  return Math.imul(y ^ (y >>> 15), second) >>> 0
}

/** IPv4 prefix longer than the guide's blocks. */
export function place4(into: Place, geometry: SetGeometry, address: number, length: number): void {
  const shift = 32 - length
  // A one before the first bit tells lengths apart; of 32 bits it falls off, and Slot.full stands for it.
  const key = shift === 0 ? address : (address >>> shift) | (1 << length)
  const y = mix32(key, geometry.secret.short)
  const log = geometry.table4.logBuckets
  into.bucket = y >>> (32 - log)
  into.low = ((y << log) | Slot.taken | (shift === 0 ? Slot.full : 0)) >>> 0
  into.high = 0
  into.step = (into.low >>> (32 - log)) | 1
}

/** IPv6 prefix of 17 to 64 bits: the first two words. */
export function placeNarrow6(into: Place, geometry: SetGeometry, high: number, low: number, length: number): void {
  const [first, second] = geometry.secret.long
  markEnd(NARROW6_BITS - length, high, low)
  multiply(resultLow, resultHigh, first)
  multiply((resultLow ^ resultHigh) >>> 0, resultHigh, second)
  placeLong(into, geometry.narrow6.logBuckets, length === NARROW6_BITS ? Slot.full : 0)
}

/** IPv6 prefix of 65 to 128 bits: all four words from `offset`. */
export function placeWide6(
  into: Place,
  geometry: SetGeometry,
  words: Uint32Array,
  offset: number,
  length: number,
): void {
  const [first, second, third] = geometry.secret.long
  markEnd(128 - length, words[offset + 2]!, words[offset + 3]!)
  const restTop = resultHigh >>> 31
  into.restLow = resultLow
  into.restHigh = resultHigh & 0x7fff_ffff
  multiply(resultLow, resultHigh, second)
  const low = resultLow
  const high = resultHigh
  multiply(words[offset + 1]!, words[offset]!, first)
  const mixedHigh = (resultHigh ^ high) >>> 0
  multiply((resultLow ^ low ^ mixedHigh) >>> 0, mixedHigh, third)
  placeLong(into, geometry.wide6.logBuckets, (length === 128 ? Slot.full : 0) | (restTop * Slot.restTop))
}

/** 64 bits as halves: of {@link multiply} and {@link markEnd}. */
let resultLow = 0
let resultHigh = 0

/** Sets the bit after the prefix's last, of which `free` bits of 64 are left; none is left if it is zero. */
function markEnd(free: number, high: number, low: number): void {
  resultHigh = (free > 32 ? high | (1 << (free - 33)) : high) >>> 0
  resultLow = (free > 0 && free <= 32 ? low | (1 << (free - 1)) : low) >>> 0
}

function multiply(low: number, high: number, [factorLow, factorHigh]: Half): void {
  resultLow = Math.imul(low, factorLow) >>> 0
  resultHigh = (upperHalf(low, factorLow) + Math.imul(high, factorLow) + Math.imul(low, factorHigh)) >>> 0
}

/** Upper 32 of the 64 bits of a product of two unsigned 32-bit numbers. */
function upperHalf(a: number, b: number): number {
  const a0 = a & 0xffff
  const a1 = a >>> 16
  const b0 = b & 0xffff
  const b1 = b >>> 16
  const middle = a1 * b0 + ((a0 * b0) >>> 16)
  return a1 * b1 + (middle >>> 16) + ((a0 * b1 + (middle & 0xffff)) >>> 16)
}

function placeLong(into: Place, log: number, flags: number): void {
  const high = ((resultHigh << log) | (resultLow >>> (32 - log))) >>> 0
  into.bucket = resultHigh >>> (32 - log)
  into.high = high >>> 1
  into.low = (((resultLow << log) >>> 1) | (high << 31) | Slot.taken | flags) >>> 0
  into.step = (into.high >>> (32 - log)) | 1
}
