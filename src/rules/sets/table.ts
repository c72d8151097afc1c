import { BUCKET_SLOTS, Slot, slotBytes, type TableGeometry, type TableName } from './geometry.ts'
import type { Place } from './hash.ts'

/**
 * A hash table in the set's memory. An element lies in its first bucket, or in its second if the first is full, so a
 * search reads at most two buckets. Empty slots come last in a bucket and say that none of its elements is elsewhere.
 *
 * Packets read it during every change: an element's slot is published by one aligned store, an element moves only from its
 * first bucket to its second (written there before it goes here), and a deleted one leaves a grave unless nothing follows.
 */
export class Table {
  readonly #u32: Uint32Array
  readonly #u64: BigUint64Array | undefined
  readonly #logBuckets: number
  /** 32-bit words of a slot's first word, and of a bucket. */
  readonly #step: 1 | 2
  readonly #stride: number
  readonly #wide: boolean
  #free = -1
  #freeMark = 0

  /** `live`: packets read it now. */
  constructor(view: Uint8Array, geometry: TableGeometry, name: TableName, live: boolean) {
    const bytes = slotBytes[name]
    const start = view.byteOffset + geometry.offset
    const words = (BUCKET_SLOTS * bytes * 2 ** geometry.logBuckets) / 4
    this.#u32 = new Uint32Array(view.buffer, start, words)
    this.#u64 = live && bytes > 4 ? new BigUint64Array(view.buffer, start, words / 2) : undefined
    this.#logBuckets = geometry.logBuckets
    this.#step = bytes === 4 ? 1 : 2
    this.#stride = (BUCKET_SLOTS * bytes) / 4
    this.#wide = bytes === 16
  }

  has(place: Place): boolean {
    return this.#find(place) >= 0
  }

  insert(place: Place): 'added' | 'present' | 'full' {
    if (this.#find(place) >= 0) return 'present'
    if (this.#free < 0 && !this.#makeRoom(place.bucket, 0) && !this.#makeRoom(place.bucket ^ place.step, Slot.second))
      return 'full'
    if (this.#wide) this.#store(this.#free + 2 * BUCKET_SLOTS, place.restLow, place.restHigh)
    this.#store(this.#free, (place.low | this.#freeMark) >>> 0, place.high)
    return 'added'
  }

  /** Takes out an element, also one that lies in both buckets since a move was broken off. False if it is not there. */
  remove(place: Place): boolean {
    let found = false
    for (let at = this.#find(place); at >= 0; at = this.#find(place)) {
      this.#clear(at)
      found = true
    }
    return found
  }

  #clear(slot: number): void {
    let at = slot
    const first = at - (at % this.#stride)
    const last = first + (BUCKET_SLOTS - 1) * this.#step
    if (at === last || this.#u32[at + this.#step] !== Slot.empty) {
      this.#store(at, Slot.grave, 0)
      return
    }
    do {
      this.#store(at, Slot.empty, 0)
      at -= this.#step
    } while (at >= first && this.#u32[at] === Slot.grave)
  }

  /** Word where the element lies, or -1; then the first free slot is in `#free`, or -1. */
  #find(place: Place): number {
    this.#free = -1
    const found = this.#scan(place, place.bucket, 0)
    return found !== NOT_HERE ? found : this.#scan(place, place.bucket ^ place.step, Slot.second)
  }

  #scan(place: Place, bucket: number, mark: number): number {
    const low = (place.low | mark) >>> 0
    const first = bucket * this.#stride
    for (let i = 0; i < BUCKET_SLOTS; i++) {
      const at = first + i * this.#step
      const word = this.#u32[at]!
      if (word === low && this.#equals(at, place)) return at
      if (word & Slot.taken) continue
      if (this.#free < 0) {
        this.#free = at
        this.#freeMark = mark
      }
      if (word === Slot.empty) return ENDED
    }
    return mark === 0 ? NOT_HERE : ENDED
  }

  #equals(at: number, place: Place): boolean {
    if (this.#step === 1) return true
    if (this.#u32[at + 1] !== place.high) return false
    if (!this.#wide) return true
    const rest = at + 2 * BUCKET_SLOTS
    return this.#u32[rest] === place.restLow && this.#u32[rest + 1] === place.restHigh
  }

  /** Moves one element of a full bucket to its second bucket; its slot is then the free one. */
  #makeRoom(bucket: number, mark: number): boolean {
    for (let i = 0; i < BUCKET_SLOTS; i++) {
      const at = bucket * this.#stride + i * this.#step
      const low = this.#u32[at]!
      if (low & Slot.second) continue
      const high = this.#u32[at + this.#step - 1]!
      const to = this.#room(bucket ^ ((high >>> (32 - this.#logBuckets)) | 1))
      if (to < 0) continue
      const rest = 2 * BUCKET_SLOTS
      if (this.#wide) this.#store(to + rest, this.#u32[at + rest]!, this.#u32[at + rest + 1]!)
      this.#store(to, (low | Slot.second) >>> 0, this.#step === 1 ? 0 : high)
      this.#free = at
      this.#freeMark = mark
      return true
    }
    return false
  }

  #room(bucket: number): number {
    for (let i = 0; i < BUCKET_SLOTS; i++) {
      const at = bucket * this.#stride + i * this.#step
      if (!(this.#u32[at]! & Slot.taken)) return at
    }
    return -1
  }

  #store(at: number, low: number, high: number): void {
    if (this.#step === 1) Atomics.store(this.#u32, at, low)
    else if (this.#u64) Atomics.store(this.#u64, at / 2, (BigInt(high) << 32n) | BigInt(low))
    else {
      this.#u32[at] = low
      this.#u32[at + 1] = high
    }
  }
}

const ENDED = -1
const NOT_HERE = -2
