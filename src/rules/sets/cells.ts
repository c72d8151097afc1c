import { ALL_LENGTHS, GUIDE6_BITS, Header, type SetGeometry } from './geometry.ts'
import { mix32 } from './hash.ts'

const BYTES = 8

/**
 * For IPv6: the prefix lengths to try, by a hash of an address's first 32 bits. A cell is a list of up to 8 lengths,
 * one byte each, zero at the end; one that has run over says to try all lengths that the set has.
 * A filter before them, of 8 bits for each list, spares most networks that are not in the set the list of another.
 * Lengths are only ever added: one that is no longer needed costs a probe, never a wrong answer.
 */
export class LengthCells {
  readonly #bytes: Uint8Array
  readonly #words: BigUint64Array
  readonly #filter: Uint8Array
  readonly #all: Uint8Array
  readonly #geometry: SetGeometry

  constructor(view: Uint8Array, geometry: SetGeometry) {
    const { filter, offset, log } = geometry.cells6
    this.#geometry = geometry
    this.#bytes = view.subarray(offset, offset + BYTES * 2 ** log)
    this.#words = new BigUint64Array(view.buffer, view.byteOffset + offset, 2 ** log)
    this.#filter = view.subarray(filter, filter + 2 ** log)
    this.#all = view.subarray(Header.lengths6, Header.lengths6 + geometry.lengthWords * BYTES)
  }

  /** Whether the set's list of lengths has this one, or room for it. */
  admits(length: number): boolean {
    return this.#all.includes(length) || this.#all.includes(0)
  }

  /** Makes searches for addresses in a prefix (first 32 bits `word`, longer than the guide's blocks) try its length. */
  add(word: number, length: number): void {
    append(this.#all, 0, this.#all.length, length)
    const count = 2 ** Math.max(0, 32 - length)
    for (let i = 0; i < count; i++) {
      const hash = this.#hash((word + i) >>> 0)
      const cell = this.#cellOf(hash)
      if (!append(this.#bytes, cell * BYTES, BYTES, length)) Atomics.store(this.#words, cell, ALL_LENGTHS)
      Atomics.or(this.#filter, cell, this.#bitOf(hash))
    }
  }

  /** Lengths that a search for an address of these first 32 bits tries. */
  lengthsOf(word: number): number[] {
    const hash = this.#hash(word)
    const cell = this.#cellOf(hash)
    if ((this.#filter[cell]! & this.#bitOf(hash)) === 0) return []
    const list = this.#words[cell] === ALL_LENGTHS ? this.#all : this.#bytes.subarray(cell * BYTES, (cell + 1) * BYTES)
    return [...list].filter((length) => length !== 0)
  }

  #hash(word: number): number {
    return mix32(word, this.#geometry.secret.short)
  }

  #cellOf(hash: number): number {
    return hash >>> (32 - this.#geometry.cells6.log)
  }

  #bitOf(hash: number): number {
    return 1 << ((hash >>> (29 - this.#geometry.cells6.log)) & 7)
  }
}

/** Appends a length to a list unless it is there or the list has run over. False if there is no room. */
function append(bytes: Uint8Array, start: number, size: number, length: number): boolean {
  for (let at = start; at < start + size; at++) {
    const here = bytes[at]!
    if (here === length || here === 0xff) return true
    if (here !== 0) continue
    Atomics.store(bytes, at, length)
    return true
  }
  return false
}

/** Lists that the IPv6 prefixes of a set would fill, at most. */
export function countCells(values: Uint32Array, lengths: Uint8Array, size: number): number {
  let cells = 0
  let previous = -1
  for (let place = 0; place < size; place++) {
    const length = lengths[place]!
    const word = values[place * 4]!
    if (length > GUIDE6_BITS && length < 32) cells += 2 ** (32 - length)
    else if (length >= 32 && word !== previous) cells++
    previous = word
  }
  return cells
}
