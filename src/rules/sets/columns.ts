import { comparePlaces, sortedOrder, sortIpv4 } from './sort.ts'
import { maskWords, type WordCount } from './words.ts'

/**
 * The prefixes of one family, sorted by address and then length, each once, in typed arrays:
 * 5 bytes an IPv4 prefix, 17 an IPv6 one. Host bits must be zero; callers see to it.
 */
export class PrefixColumns {
  readonly words: WordCount
  /** `words` words a prefix; longer than `size` needs. */
  values: Uint32Array
  lengths: Uint8Array
  size = 0
  /** Prefixes of each length. */
  readonly counts = new Uint32Array(129)
  readonly #masked: Uint32Array

  constructor(words: WordCount) {
    this.words = words
    this.values = new Uint32Array(0)
    this.lengths = new Uint8Array(0)
    this.#masked = new Uint32Array(words)
  }

  /** Place of the first prefix that does not sort before (key, length). */
  lowerBound(key: Uint32Array, length: number): number {
    let low = 0
    let high = this.size
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(middle, key, length) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #compare(place: number, key: Uint32Array, length: number): number {
    for (let i = 0; i < this.words; i++) {
      const difference = this.values[place * this.words + i]! - key[i]!
      if (difference !== 0) return difference
    }
    return this.lengths[place]! - length
  }

  has(key: Uint32Array, length: number): boolean {
    const place = this.lowerBound(key, length)
    return place < this.size && this.#compare(place, key, length) === 0
  }

  /** Length of a prefix of at most `longest` bits that holds the address, or -1. */
  covering(key: Uint32Array, longest: number): number {
    for (let length = 0; length <= longest; length++) {
      if (this.counts[length] === 0) continue
      maskWords(key, this.words, length, this.#masked)
      if (this.has(this.#masked, length)) return length
    }
    return -1
  }

  /** False if it is there already. Moves what sorts after: about 1 ms in a million prefixes. */
  add(key: Uint32Array, length: number): boolean {
    const place = this.lowerBound(key, length)
    if (place < this.size && this.#compare(place, key, length) === 0) return false
    this.#reserve(this.size + 1)
    this.values.copyWithin((place + 1) * this.words, place * this.words, this.size * this.words)
    this.lengths.copyWithin(place + 1, place, this.size)
    for (let i = 0; i < this.words; i++) this.values[place * this.words + i] = key[i]!
    this.lengths[place] = length
    this.counts[length]!++
    this.size++
    return true
  }

  delete(key: Uint32Array, length: number): boolean {
    const place = this.lowerBound(key, length)
    if (place >= this.size || this.#compare(place, key, length) !== 0) return false
    this.values.copyWithin(place * this.words, (place + 1) * this.words, this.size * this.words)
    this.lengths.copyWithin(place, place + 1, this.size)
    this.counts[length]!--
    this.size--
    return true
  }

  /** Adds many at once, in any order, with duplicates: sorts once. */
  addAll(values: Uint32Array, lengths: Uint8Array, count: number): void {
    const at = this.size
    this.#reserve(at + count)
    this.values.set(values.subarray(0, count * this.words), at * this.words)
    this.lengths.set(lengths.subarray(0, count), at)
    this.size += count
    if (at === 0 && this.#isAscending()) return this.#count()
    this.#sort()
    this.#unique()
    this.#count()
  }

  #reserve(size: number): void {
    if (size <= this.lengths.length) return
    const capacity = Math.max(size, Math.ceil(this.lengths.length * 1.25), 16)
    const values = new Uint32Array(capacity * this.words)
    const lengths = new Uint8Array(capacity)
    values.set(this.values)
    lengths.set(this.lengths)
    this.values = values
    this.lengths = lengths
  }

  /** Whether the prefixes are sorted already, each once. */
  #isAscending(): boolean {
    const { words, values, lengths } = this
    for (let place = 1; place < this.size; place++) {
      const difference = values[place * words]! - values[(place - 1) * words]!
      if (difference < 0) return false
      if (difference === 0 && comparePlaces(values, lengths, words, place - 1, place) >= 0) return false
    }
    return true
  }

  #count(): void {
    this.counts.fill(0)
    for (let place = 0; place < this.size; place++) this.counts[this.lengths[place]!]!++
  }

  #sort(): void {
    if (this.words === 1) sortIpv4(this.values, this.lengths, this.size)
    else this.#sortWords()
  }

  #sortWords(): void {
    const { words, size } = this
    const order = sortedOrder(this.values, this.lengths, words, size)
    const values = new Uint32Array(size * words)
    const lengths = new Uint8Array(size)
    for (let to = 0; to < size; to++) {
      const from = order[to]!
      for (let i = 0; i < words; i++) values[to * words + i] = this.values[from * words + i]!
      lengths[to] = this.lengths[from]!
    }
    this.values = values
    this.lengths = lengths
  }

  #unique(): void {
    const { words, values, lengths } = this
    let kept = 0
    for (let place = 0; place < this.size; place++) {
      if (kept > 0 && comparePlaces(values, lengths, words, kept - 1, place) === 0) continue
      for (let i = 0; i < words; i++) values[kept * words + i] = values[place * words + i]!
      lengths[kept++] = lengths[place]!
    }
    this.size = kept
  }
}
