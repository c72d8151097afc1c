import type { Address } from '../../net/address.ts'
import type { Prefix } from '../../net/prefix.ts'
import { LAYOUT_VERSION, type SetGeometry } from './geometry.ts'
import { type Added, SetMemory } from './memory.ts'
import type { PrefixSet } from './prefix-set.ts'
import { prefixWords, wordsOfFamily, writeWords } from './words.ts'

/** A set that packets may be reading. One writer at a time. */
export class LiveSet {
  readonly geometry: SetGeometry
  readonly #memory: SetMemory

  constructor(view: Uint8Array, geometry: SetGeometry) {
    this.geometry = geometry
    this.#memory = new SetMemory(view, geometry, true)
  }

  /**
   * Adds one prefix. `present`: packets saw it already (for a short prefix also by longer ones that make up all of it);
   * `full`: nothing was changed, build the set anew.
   */
  add(prefix: Prefix): Added {
    return this.#memory.add(prefix.family, prefixWords(prefix), 0, prefix.length)
  }

  /** Takes one prefix out. `set` is what the set shall hold from now on, so without it. False if packets did not see it. */
  delete(prefix: Prefix, set: PrefixSet): boolean {
    return this.#memory.delete(prefix.family, prefixWords(prefix), 0, prefix.length, set)
  }

  /** Whether packets find the address, looking as the bytecode does. */
  includes(address: Address): boolean {
    const words = wordsOfFamily[address.family]
    const key = new Uint32Array(words)
    writeWords(address.value, words, key)
    return this.#memory.includes(address.family, key)
  }

  /** Elements that each table may still take. */
  get room(): { table4: number; narrow6: number; wide6: number } {
    const left = (name: 'table4' | 'narrow6' | 'wide6') => this.geometry[name].capacity - this.#memory.count(name)
    return { table4: left('table4'), narrow6: left('narrow6'), wide6: left('wide6') }
  }
}

/**
 * Opens a set's memory (the mmap of its map) for changes in place.
 * @throws RangeError if the memory is not of this geometry's size, or the geometry of another version
 */
export function openSet(view: Uint8Array, geometry: SetGeometry): LiveSet {
  if (geometry.version !== LAYOUT_VERSION)
    throw new RangeError(`Cannot open a set: its layout has version ${geometry.version}, wanted ${LAYOUT_VERSION}`)
  if (view.byteLength < geometry.bytes)
    throw new RangeError(`Cannot open a set: its memory has ${view.byteLength} bytes, wanted ${geometry.bytes}`)
  return new LiveSet(view, geometry)
}
