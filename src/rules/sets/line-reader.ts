import { formatPrefix, readPrefix } from '../../net/prefix.ts'
import { PrefixSet } from './prefix-set.ts'
import { readIpv4, readIpv6, readLength, readWord } from './read-bytes.ts'
import type { LineProblem } from './set-file-error.ts'
import { prefixWords, type WordCount } from './words.ts'

const LF = 10
const SPACE = 32
const HASH = 35
const SEMICOLON = 59

/** Characters of a bad line that a message shows. */
const SHOWN = 50

/** Reads lines of prefixes in portions. Plain writing is read from the bytes, anything else goes by way of text. */
export class LineReader {
  readonly #bytes: Uint8Array
  readonly #columns = { 4: new GrowingColumns(1), 6: new GrowingColumns(4) }
  #at: number
  #line = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  /** Reads whole lines of at least `size` bytes together, and returns what is wrong with them. */
  read(size: number): LineProblem[] {
    const problems: LineProblem[] = []
    const end = Math.min(this.#at + size, this.#bytes.length)
    while (this.#at < end) {
      this.#line++
      const message = this.#readPlain() ? undefined : this.#readText()
      if (message !== undefined) problems.push({ line: this.#line, message })
    }
    return problems
  }

  /** The set of all prefixes read. */
  finish(): PrefixSet {
    const set = new PrefixSet()
    for (const family of [4, 6] as const) {
      const { values, lengths, size } = this.#columns[family]
      set.addColumns(family, values, lengths, size)
    }
    return set
  }

  /** Takes a line of nothing, or of a proper prefix in plain writing; leaves any other as it is and returns false. */
  #readPlain(): boolean {
    const bytes = this.#bytes
    let at = skipBlanks(bytes, this.#at)
    if (!isEnd(bytes, at)) {
      let columns = this.#columns[4]
      let end = readIpv4(bytes, at)
      if (end < 0) {
        columns = this.#columns[6]
        end = readIpv6(bytes, at)
      }
      if (end < 0 || hasHostBits(columns.words)) return false
      at = skipBlanks(bytes, end)
      if (!isEnd(bytes, at)) return false
      columns.push(readWord, readLength)
    }
    this.#at = at < bytes.length && bytes[at] !== LF ? this.#lineEnd(at) + 1 : at + 1
    return true
  }

  /** Reads a line in full; returns what is wrong with it. */
  #readText(): string | undefined {
    const end = this.#lineEnd(this.#at)
    const line = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, Math.min(end - this.#at, 1024))
    const text = line
      .toString('utf8')
      .replace(/[#;].*$/s, '')
      .trim()
    this.#at = end + 1
    const shown = JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text)
    try {
      const { prefix, hostBits } = readPrefix(text)
      if (hostBits)
        return `found ${shown}, whose host bits are set, wanted them to be zero (write ${formatPrefix(prefix)})`
      this.#columns[prefix.family].push(prefixWords(prefix), prefix.length)
      return undefined
    } catch {
      return `found ${shown}, wanted an address or a prefix (such as 192.0.2.0/24 or 2001:db8::/32)`
    }
  }

  #lineEnd(from: number): number {
    const end = this.#bytes.indexOf(LF, from)
    return end < 0 ? this.#bytes.length : end
  }
}

/** Whether the prefix last read has bits beyond its length. */
function hasHostBits(words: WordCount): boolean {
  for (let i = words - 1; i >= 0; i--) {
    const bits = readLength - 32 * i
    if (bits >= 32) return false
    if (readWord[i]! & (bits <= 0 ? 0xffff_ffff : 0xffff_ffff >>> bits)) return true
  }
  return false
}

/** Skips spaces, tabs and carriage returns. */
function skipBlanks(bytes: Uint8Array, start: number): number {
  let at = start
  while (bytes[at]! <= SPACE && bytes[at] !== LF) at++
  return at
}

function isEnd(bytes: Uint8Array, at: number): boolean {
  const byte = bytes[at]
  return byte === undefined || byte === LF || byte === HASH || byte === SEMICOLON
}

/** Prefixes in the order of the file. */
class GrowingColumns {
  readonly words: WordCount
  values: Uint32Array
  lengths: Uint8Array
  size = 0

  constructor(words: WordCount) {
    this.words = words
    this.values = new Uint32Array(1024 * words)
    this.lengths = new Uint8Array(1024)
  }

  push(key: Uint32Array, length: number): void {
    if (this.size === this.lengths.length) this.#grow()
    for (let i = 0; i < this.words; i++) this.values[this.size * this.words + i] = key[i]!
    this.lengths[this.size++] = length
  }

  #grow(): void {
    const values = new Uint32Array(this.values.length * 2)
    const lengths = new Uint8Array(this.lengths.length * 2)
    values.set(this.values)
    lengths.set(this.lengths)
    this.values = values
    this.lengths = lengths
  }
}
