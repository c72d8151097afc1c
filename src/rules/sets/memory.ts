import { LengthCells } from './cells.ts'
import { Block, GUIDE6_BITS, Header, NARROW6_BITS, type SetGeometry, type TableName } from './geometry.ts'
import { Guide } from './guide.ts'
import { Place, place4, placeNarrow6, placeWide6 } from './hash.ts'
import type { PrefixSet } from './prefix-set.ts'
import { Table } from './table.ts'
import { maskWords } from './words.ts'

export type Added = 'added' | 'present' | 'full'

/** A set's memory, in a buffer that is being filled or in the map that packets read. Prefixes are given as words. */
export class SetMemory {
  readonly geometry: SetGeometry
  readonly #header: Uint32Array
  readonly #guides: Readonly<Record<4 | 6, Guide>>
  readonly #cells: LengthCells
  readonly #tables: Readonly<Record<TableName, Table>>
  readonly #place = new Place()

  constructor(view: Uint8Array, geometry: SetGeometry, live: boolean) {
    const table = (name: TableName) => new Table(view, geometry[name], name, live)
    this.geometry = geometry
    this.#header = new Uint32Array(view.buffer, view.byteOffset, Header.size / 4)
    this.#guides = {
      4: new Guide(view, geometry.guide4.offset, geometry.guide4.bits),
      6: new Guide(view, geometry.guide6.offset, GUIDE6_BITS),
    }
    this.#cells = new LengthCells(view, geometry)
    this.#tables = { table4: table('table4'), narrow6: table('narrow6'), wide6: table('wide6') }
  }

  /** Fills empty memory. False if a table runs over. */
  fill(set: PrefixSet): boolean {
    for (const family of [4, 6] as const) {
      const { words, values, lengths, size } = set.columns(family)
      const guide = this.#guides[family]
      for (let place = 0; place < size; place++) {
        const length = lengths[place]!
        if (length <= guide.bits) continue
        if (this.#insert(family, values, place * words, length) === 'full') return false
      }
      guide.refresh(set.columns(family), 0, 0)
    }
    return true
  }

  /**
   * Adds the prefix whose words begin at `offset`. What leads to it comes after it, the guide last. All steps are taken even if
   * the table has it already, so that a change that was broken off half-way can be made again.
   */
  add(family: 4 | 6, words: Uint32Array, offset: number, length: number): Added {
    const guide = this.#guides[family]
    const word = words[offset]!
    if (length <= guide.bits) return guide.markWhole(word, length) ? 'added' : 'present'
    const result = this.#insert(family, words, offset, length)
    if (result === 'full') return result
    return guide.markLook(guide.blockOf(word)) ? 'added' : result
  }

  #insert(family: 4 | 6, words: Uint32Array, offset: number, length: number): Added {
    const name = this.#locate(family, words, offset, length)
    const count = counterOf[name]
    const table = this.#tables[name]
    const isFull = this.#header[count]! >= this.geometry[name].capacity
    if (family === 6 && !this.#cells.admits(length)) return 'full'
    if (isFull && !table.has(this.#place)) return 'full'
    const result = table.insert(this.#place)
    if (result === 'full') return result
    if (result === 'added') this.#header[count]!++
    if (family === 4) this.#header[Header.lengths4 / 4]! |= 1 << (32 - length)
    else this.#cells.add(words[offset]!, length)
    return result
  }

  /** Takes out the prefix whose words begin at `offset`; `set` says what is left and is truth for the guide. */
  delete(family: 4 | 6, words: Uint32Array, offset: number, length: number, set: PrefixSet): boolean {
    const guide = this.#guides[family]
    let removed = true
    if (length > guide.bits) {
      const name = this.#locate(family, words, offset, length)
      removed = this.#tables[name].remove(this.#place)
      if (removed) this.#header[counterOf[name]]!--
    }
    guide.refresh(set.columns(family), words[offset]!, length)
    return removed
  }

  /** Whether a packet would find the address, looking as the bytecode does. */
  includes(family: 4 | 6, address: Uint32Array): boolean {
    const guide = this.#guides[family]
    const state = guide.stateOf(guide.blockOf(address[0]!))
    if (state !== Block.look) return state === Block.whole
    const lengths = family === 4 ? this.#lengths4() : this.#cells.lengthsOf(address[0]!)
    const key = new Uint32Array(address.length)
    return lengths.some((length) => {
      maskWords(address, family === 4 ? 1 : 4, length, key)
      return this.#tables[this.#locate(family, key, 0, length)].has(this.#place)
    })
  }

  #lengths4(): number[] {
    const bits = this.#header[Header.lengths4 / 4]!
    return Array.from({ length: 32 }, (_, shift) => shift)
      .filter((shift) => (bits >>> shift) & 1)
      .map((shift) => 32 - shift)
  }

  /** Computes the prefix's place and says in which table. */
  #locate(family: 4 | 6, words: Uint32Array, offset: number, length: number): TableName {
    if (family === 4) {
      place4(this.#place, this.geometry, words[offset]!, length)
      return 'table4'
    }
    if (length > NARROW6_BITS) {
      placeWide6(this.#place, this.geometry, words, offset, length)
      return 'wide6'
    }
    placeNarrow6(this.#place, this.geometry, words[offset]!, words[offset + 1]!, length)
    return 'narrow6'
  }

  /** Elements in the tables; those in the guides alone are not counted. */
  count(name: TableName): number {
    return this.#header[counterOf[name]]!
  }
}

/** Word of the header that counts a table's elements. */
const counterOf = {
  table4: Header.count4 / 4,
  narrow6: Header.countNarrow6 / 4,
  wide6: Header.countWide6 / 4,
} as const satisfies Record<TableName, number>
