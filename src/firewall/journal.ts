import { addressAt, addressBytes } from '../net/address.ts'
import type { Prefix } from '../net/prefix.ts'

/** One change of a set since it was built from its file. */
export interface SetChangeRecord {
  readonly op: 'add' | 'delete'
  readonly prefix: Prefix
}

const HEADER = 8
const RECORD = 24
/** Changes that a journal holds. */
export const JOURNAL_ENTRIES = 4096
export const JOURNAL_BYTES = HEADER + RECORD * JOURNAL_ENTRIES

const ADD = 1
const DELETE = 2

/**
 * Changes of a set, one after the other, in a pinned map beside it: what the file says and the journal together are what the
 * set holds, also for a process that comes later. A u32 count; then records of op, family, length (u8 each), 5 bytes of
 * nothing, and 16 of address. A record counts once the count covers it, so a writer that dies leaves it whole.
 */
export class Journal {
  readonly #view: DataView
  readonly #bytes: Uint8Array

  /** `bytes`: the mmap of the map. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, JOURNAL_BYTES)
  }

  get length(): number {
    return this.#view.getUint32(0, true)
  }

  get isFull(): boolean {
    return this.length >= JOURNAL_ENTRIES
  }

  /** Appends a change. The journal must not be full. */
  append({ op, prefix }: SetChangeRecord): void {
    const count = this.length
    const at = HEADER + count * RECORD
    this.#view.setUint8(at, op === 'add' ? ADD : DELETE)
    this.#view.setUint8(at + 1, prefix.family)
    this.#view.setUint8(at + 2, prefix.length)
    this.#bytes.set(addressBytes(prefix), at + 8)
    this.#view.setUint32(0, count + 1, true)
  }

  /** Takes back the last change, which came to nothing. */
  removeLast(): void {
    this.#view.setUint32(0, this.length - 1, true)
  }

  *entries(): Generator<SetChangeRecord, void, undefined> {
    const count = this.length
    for (let index = 0; index < count; index++) {
      const at = HEADER + index * RECORD
      const family = this.#view.getUint8(at + 1) === 4 ? 4 : 6
      const { value } = addressAt(this.#bytes, at + 8, family)
      yield {
        op: this.#view.getUint8(at) === ADD ? 'add' : 'delete',
        prefix: { family, value, length: this.#view.getUint8(at + 2) },
      }
    }
  }

  /** Elements more (or fewer) than the set was built with. */
  get growth(): number {
    let growth = 0
    for (const { op } of this.entries()) growth += op === 'add' ? 1 : -1
    return growth
  }
}
