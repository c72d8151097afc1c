import type { PrefixColumns } from './columns.ts'
import { Block } from './geometry.ts'

/**
 * The first level: two bits for each block of addresses that have the first `bits` bits in common.
 * Says of a block that no element touches it, that it lies in an element, or that longer prefixes lie in it.
 */
export class Guide {
  readonly bits: number
  readonly #bytes: Uint8Array

  constructor(view: Uint8Array, offset: number, bits: number) {
    this.bits = bits
    this.#bytes = view.subarray(offset, offset + guideBytes(bits))
  }

  /** Block of an address's first 32 bits. */
  blockOf(word: number): number {
    return word >>> (32 - this.bits)
  }

  stateOf(block: number): number {
    return (this.#bytes[block >>> 2]! >>> ((block & 3) * 2)) & 3
  }

  /** Says that longer prefixes lie in the block; one that is whole stays so. False if either was said before. */
  markLook(block: number): boolean {
    if (this.stateOf(block) !== Block.none) return false
    this.#bytes[block >>> 2]! |= Block.look << ((block & 3) * 2)
    return true
  }

  /** Marks the blocks of a prefix not longer than theirs. False if they were whole before. */
  markWhole(word: number, length: number): boolean {
    const blocks = 2 ** (this.bits - length)
    const first = this.blockOf(word)
    if (blocks < 4) return fillBits(this.#bytes, first, blocks)
    const bytes = this.#bytes.subarray(first >>> 2, (first + blocks) >>> 2)
    if (bytes.every((byte) => byte === WHOLE)) return false
    bytes.fill(WHOLE)
    return true
  }

  /** Makes the blocks that a prefix touches what `columns` say, each block in one step. */
  refresh(columns: PrefixColumns, word: number, length: number): void {
    const blocks = 2 ** Math.max(0, this.bits - length)
    const first = this.blockOf(word) & ~3
    const fresh = paint(columns, this.bits, first, Math.max(4, blocks))
    this.#bytes.set(fresh, first >>> 2)
  }
}

export const guideBytes = (bits: number): number => 2 ** bits / 4

const WHOLE = 0x55

function fillBits(bytes: Uint8Array, first: number, blocks: number): boolean {
  let byte = bytes[first >>> 2]!
  for (let block = first; block < first + blocks; block++) {
    const shift = (block & 3) * 2
    byte = (byte & ~(3 << shift)) | (Block.whole << shift)
  }
  const changed = bytes[first >>> 2] !== byte
  bytes[first >>> 2] = byte
  return changed
}

/** States of `count` blocks (a power of two, at least 4, aligned) from the prefixes. */
function paint(columns: PrefixColumns, bits: number, firstBlock: number, count: number): Uint8Array {
  const fresh = new Uint8Array(count / 4)
  const key = new Uint32Array(columns.words)
  key[0] = firstBlock * 2 ** (32 - bits)
  if (columns.covering(key, bits - Math.log2(count)) >= 0) return fresh.fill(WHOLE)
  const { words, values, lengths } = columns
  const end = firstBlock + count
  let place = columns.lowerBound(key, 0)
  let done = firstBlock
  while (place < columns.size) {
    const block = values[place * words]! >>> (32 - bits)
    if (block >= end) break
    if (block >= done) done = paintBlocks(fresh, block - firstBlock, bits - lengths[place]!) + firstBlock
    place = skip(columns, place, bits, done)
  }
  return fresh
}

/** Paints what one prefix says, whose length is `spare` bits short of the blocks' (negative: longer). Returns the next block. */
function paintBlocks(fresh: Uint8Array, block: number, spare: number): number {
  if (spare < 0) {
    fresh[block >>> 2]! |= Block.look << ((block & 3) * 2)
    return block + 1
  }
  const blocks = 2 ** spare
  if (blocks < 4) fillBits(fresh, block, blocks)
  else fresh.fill(WHOLE, block >>> 2, (block + blocks) >>> 2)
  return block + blocks
}

/** Place of the next prefix that does not begin before block `done`: in steps twice as long each, then by halves. */
function skip({ words, values, size }: PrefixColumns, place: number, bits: number, done: number): number {
  const shift = 32 - bits
  let low = place
  let step = 1
  while (low + step < size && values[(low + step) * words]! >>> shift < done) {
    low += step
    step *= 2
  }
  let high = Math.min(low + step, size)
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (values[middle * words]! >>> shift < done) low = middle
    else high = middle
  }
  return high
}
