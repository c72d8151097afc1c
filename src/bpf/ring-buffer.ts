import { BpfError } from './errors.ts'
import { pageSize } from './ffi/libc.ts'
import { SharedMemory } from './ffi/memory.ts'
import { pollReadable } from './ffi/poll.ts'
import type { BpfMap } from './map.ts'
import { refused } from './result.ts'

/**
 * Takes one record, `length` bytes of `view` from `at` on. They are the kernel's memory: copy what is to be kept, the kernel
 * writes there again after the call.
 */
export type RecordReader = (view: DataView, at: number, length: number) => void

/** Reads records on the event loop until it is closed. */
export interface RingListener extends Disposable {
  /** Does nothing the second time. */
  close(): void
  /** Lets the process end although this still listens. */
  unref(): void
}

export interface ListenOptions {
  /** Records in one turn of the event loop. */
  readonly budget?: number
  /** What `onRecord` throws. Without this it ends the process, as any error that nobody catches. */
  readonly onError?: (error: unknown) => void
}

export interface RecordsOptions {
  readonly signal?: AbortSignal
  /** Records that are kept for a slow reader; further ones are counted by {@link RingBuffer.skipped} and lost. */
  readonly waiting?: number
}

/** The header of a record: its length, with two bits that say whether it is still written, or was given up. */
const BUSY = 1 << 31
const DISCARDED = 1 << 30
const LENGTH = (1 << 30) - 1
const HEADER = 8

/** A ring of records from the kernel, read where they are, without a call. One reader only. */
export class RingBuffer {
  /** Records that {@link records} had no room for. */
  skipped = 0
  readonly #map: BpfMap
  readonly #memory: { readonly consumer: SharedMemory; readonly data: SharedMemory }
  readonly #consumer: BigUint64Array
  readonly #producer: Int32Array
  /** The records: the kernel maps them twice in a row, so that none is cut at the end of the ring. */
  readonly #words: Int32Array
  readonly #view: DataView
  readonly #mask: number
  readonly #listeners = new Set<RingListener>()
  /** Wakes those that wait for records. */
  readonly #sleepers = new Set<() => void>()
  #position: number
  #open = true

  /**
   * Opens a ring; the map may be closed then.
   *
   * @throws BpfError BPF_KIND, BPF_REFUSED
   */
  static open(map: BpfMap): RingBuffer {
    if (map.kind === 'ringbuf') return new RingBuffer(map.clone())
    throw new BpfError(
      'BPF_KIND',
      '',
      `read records from map "${map.name}"`,
      `it is of kind ${map.kind} (wanted ringbuf)`,
    )
  }

  private constructor(map: BpfMap) {
    this.#map = map
    this.#memory = mapRing(map)
    const { consumer, data } = this.#memory
    const { buffer, byteOffset } = data.bytes
    this.#consumer = new BigUint64Array(consumer.bytes.buffer, consumer.bytes.byteOffset, 1)
    this.#producer = new Int32Array(buffer, byteOffset, 1)
    this.#words = new Int32Array(buffer, byteOffset + pageSize, (2 * map.maxEntries) / 4)
    this.#view = new DataView(buffer, byteOffset + pageSize, 2 * map.maxEntries)
    this.#mask = map.maxEntries - 1
    this.#position = Number(Atomics.load(this.#consumer, 0))
  }

  /**
   * Reads what is there now, up to `budget` records. A record at which `onRecord` throws is read.
   *
   * @returns how many records were read.
   * @throws BpfError BPF_CLOSED
   */
  consume(onRecord: RecordReader, budget = Number.MAX_SAFE_INTEGER): number {
    if (!this.#open)
      throw new BpfError('BPF_CLOSED', '', 'read records', 'the ring is closed (keep it open while reading)')
    const [words, view, mask] = [this.#words, this.#view, this.#mask]
    const start = this.#position
    let position = start
    let count = 0
    try {
      let left = this.#available(position)
      while (left > 0 && count < budget) {
        const at = position & mask
        const header = Atomics.load(words, at >> 2)
        if ((header & BUSY) !== 0) break
        const length = header & LENGTH
        const size = (length + HEADER + 7) & ~7
        position += size
        left -= size
        if ((header & DISCARDED) === 0) {
          count++
          onRecord(view, at + HEADER, length)
          if (!this.#open) break
        }
        if (left === 0) left = this.#available(position)
      }
      return count
    } finally {
      this.#position = position
      if (this.#open && position !== start) Atomics.store(this.#consumer, 0, BigInt(position))
    }
  }

  /** Reads records whenever there are some, on the event loop, so many a turn that other work goes on. */
  listen(onRecord: RecordReader, options: ListenOptions = {}): RingListener {
    const { budget = 4096, onError = throwLater } = options
    const poll = pollReadable(this.#map.fd, () => {
      try {
        this.consume(onRecord, budget)
      } catch (error) {
        onError(error)
      }
    })
    const close = (): void => {
      this.#listeners.delete(listener)
      poll.close()
    }
    const listener: RingListener = { close, unref: () => poll.unref(), [Symbol.dispose]: close }
    this.#listeners.add(listener)
    return listener
  }

  /** Copies of the records, as they come, until the reader stops, the signal is given or the ring is closed. */
  async *records(options: RecordsOptions = {}): AsyncGenerator<Uint8Array, void> {
    const { signal, waiting = 65_536 } = options
    const queue: Uint8Array[] = []
    let wake = (): void => {}
    const onEvent = (): void => wake()
    const listener = this.listen((view, at, length) => {
      if (queue.length >= waiting) this.skipped++
      else queue.push(new Uint8Array(view.buffer, view.byteOffset + at, length).slice())
      wake()
    })
    const ended = (): boolean => signal?.aborted === true || !this.#open
    this.#sleepers.add(onEvent)
    signal?.addEventListener('abort', onEvent)
    try {
      while (!ended()) {
        yield* queue.splice(0)
        if (queue.length > 0 || ended()) continue
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    } finally {
      signal?.removeEventListener('abort', onEvent)
      this.#sleepers.delete(onEvent)
      listener.close()
    }
  }

  /** Stops all listeners first. Does nothing the second time. */
  close(): void {
    this.#open = false
    for (const listener of this.#listeners) listener.close()
    for (const wake of this.#sleepers) wake()
    this.#memory.consumer.close()
    this.#memory.data.close()
    this.#map.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Bytes of records from a position on. The ring is smaller than 4 GiB, so the low words of both positions suffice. */
  #available(position: number): number {
    return (Atomics.load(this.#producer, 0) - (position | 0)) >>> 0
  }
}

/** The kernel gives the consumer's position to write, and the producer's with the records to read. */
function mapRing(map: BpfMap): { consumer: SharedMemory; data: SharedMemory } {
  const operation = `map the memory of map "${map.name}"`
  const consumer = SharedMemory.map(map.fd, pageSize)
  if (typeof consumer === 'number') throw closing(map, refused(consumer, operation))
  const data = SharedMemory.map(map.fd, pageSize + 2 * map.maxEntries, { offset: pageSize, writable: false })
  if (typeof data !== 'number') return { consumer, data }
  consumer.close()
  throw closing(map, refused(data, operation))
}

function closing(map: BpfMap, error: BpfError): BpfError {
  map.close()
  return error
}

/** Out of the listener, which C called. */
function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
