import type { Address } from '../../net/address.ts'
import type { Prefix } from '../../net/prefix.ts'
import { PrefixColumns } from './columns.ts'
import { prefixWords, readWords, wordsOfFamily, writeWords } from './words.ts'

/** Prefixes, each once, of both families: the contents of a named set as user space knows them. */
export class PrefixSet {
  readonly #columns = { 4: new PrefixColumns(1), 6: new PrefixColumns(4) }
  readonly #address = { 4: new Uint32Array(1), 6: new Uint32Array(4) }

  constructor(prefixes: Iterable<Prefix> = []) {
    this.addAll(prefixes)
  }

  /** Number of prefixes; overlapping ones count each. */
  get size(): number {
    return this.#columns[4].size + this.#columns[6].size
  }

  /** Whether some prefix of the set holds the address: what a rule's `in $name` asks. */
  includes(address: Address): boolean {
    const key = this.#address[address.family]
    writeWords(address.value, wordsOfFamily[address.family], key)
    return this.#columns[address.family].covering(key, address.family === 4 ? 32 : 128) >= 0
  }

  /** Whether this very prefix is an element. */
  has(prefix: Prefix): boolean {
    return this.#columns[prefix.family].has(prefixWords(prefix), prefix.length)
  }

  /** False if it is an element already. For many, {@link addAll} is far quicker. */
  add(prefix: Prefix): boolean {
    return this.#columns[prefix.family].add(prefixWords(prefix), prefix.length)
  }

  /** False if it is no element. Prefixes that overlap it stay. */
  delete(prefix: Prefix): boolean {
    return this.#columns[prefix.family].delete(prefixWords(prefix), prefix.length)
  }

  /** Adds many in any order; duplicates are fine. */
  addAll(prefixes: Iterable<Prefix>): void {
    for (const family of [4, 6] as const) {
      const list = Array.isArray(prefixes) ? prefixes : (prefixes = [...prefixes])
      const mine = (list as Prefix[]).filter((prefix) => prefix.family === family)
      const words = wordsOfFamily[family]
      const values = new Uint32Array(mine.length * words)
      const lengths = new Uint8Array(mine.length)
      mine.forEach((prefix, i) => {
        writeWords(prefix.value, words, values.subarray(i * words, (i + 1) * words))
        lengths[i] = prefix.length
      })
      this.addColumns(family, values, lengths, mine.length)
    }
  }

  /** Adds `count` prefixes given as words (one for IPv4, four for IPv6, most significant first, host bits zero) and lengths. */
  addColumns(family: 4 | 6, values: Uint32Array, lengths: Uint8Array, count: number): void {
    if (count > 0) this.#columns[family].addAll(values, lengths, count)
  }

  /** The sorted columns of one family, live. For the builder of the data plane's memory. */
  columns(family: 4 | 6): PrefixColumns {
    return this.#columns[family]
  }

  /** IPv4 first, each family in order of address and then length. */
  *entries(): Generator<Prefix, void, undefined> {
    for (const family of [4, 6] as const) {
      const columns = this.#columns[family]
      for (let place = 0; place < columns.size; place++)
        yield {
          family,
          value: readWords(columns.values, columns.words, place * columns.words),
          length: columns.lengths[place]!,
        }
    }
  }

  [Symbol.iterator](): Generator<Prefix, void, undefined> {
    return this.entries()
  }
}
