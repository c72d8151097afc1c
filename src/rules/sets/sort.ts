import type { WordCount } from './words.ts'

/** Sorts the first `count` IPv4 prefixes in place, each as one number of 38 bits: the engine sorts those fastest. */
export function sortIpv4(values: Uint32Array, lengths: Uint8Array, count: number): void {
  const keys = new Float64Array(count)
  for (let i = 0; i < count; i++) keys[i] = values[i]! * 64 + lengths[i]!
  keys.sort()
  for (let i = 0; i < count; i++) {
    values[i] = Math.floor(keys[i]! / 64)
    lengths[i] = keys[i]! - values[i]! * 64
  }
}

/** Below this, counting 65,536 digits a pass costs more than comparing. */
const COMPARE_BELOW = 4096

/**
 * The order (indices) that sorts `count` prefixes by address, then length.
 * Radix sort of 16-bit digits from the least significant; passes whose digits are all equal are left out.
 */
export function sortedOrder(values: Uint32Array, lengths: Uint8Array, words: WordCount, count: number): Uint32Array {
  let order = Uint32Array.from({ length: count }, (_, i) => i)
  if (count < COMPARE_BELOW) return order.sort((a, b) => comparePlaces(values, lengths, words, a, b))
  let spare = new Uint32Array(count)
  const counts = new Uint32Array(0x1_0000)
  const pass = (digit: (place: number) => number) => {
    if (!scatter(order, spare, counts, digit)) return
    ;[order, spare] = [spare, order]
  }
  pass((place) => lengths[place]!)
  for (let word = words - 1; word >= 0; word--) {
    pass((place) => values[place * words + word]! & 0xffff)
    pass((place) => values[place * words + word]! >>> 16)
  }
  return order
}

function scatter(from: Uint32Array, to: Uint32Array, counts: Uint32Array, digit: (place: number) => number): boolean {
  counts.fill(0)
  for (let i = 0; i < from.length; i++) counts[digit(from[i]!)]!++
  if (counts[digit(from[0]!)] === from.length) return false
  let start = 0
  for (let i = 0; i < counts.length; i++) {
    const here = counts[i]!
    counts[i] = start
    start += here
  }
  for (let i = 0; i < from.length; i++) to[counts[digit(from[i]!)]!++] = from[i]!
  return true
}

/** Negative, zero or positive, as the prefix at place `a` sorts before, with or after that at `b`. */
export function comparePlaces(
  values: Uint32Array,
  lengths: Uint8Array,
  words: WordCount,
  a: number,
  b: number,
): number {
  for (let i = 0; i < words; i++) {
    const difference = values[a * words + i]! - values[b * words + i]!
    if (difference !== 0) return difference
  }
  return lengths[a]! - lengths[b]!
}
