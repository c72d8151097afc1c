import type { Codec } from './codec.ts'
import type { BpfMap } from './map.ts'
import { type ListenOptions, type RecordsOptions, RingBuffer, type RingListener } from './ring-buffer.ts'

/** A ring buffer whose records are all of one type. Records that are too short for it are skipped and counted. */
export class Events<E> {
  /** The same ring, in bytes. */
  readonly ring: RingBuffer
  /** Records shorter than the type. */
  short = 0
  readonly #codec: Codec<E>

  constructor(map: BpfMap, codec: Codec<E>) {
    this.ring = RingBuffer.open(map)
    this.#codec = codec
  }

  /** Reads what is there now. @returns how many records were read. */
  consume(onEvent: (event: E) => void, budget?: number): number {
    return this.ring.consume(this.#decoding(onEvent), budget)
  }

  /** Reads events whenever there are some, on the event loop. */
  listen(onEvent: (event: E) => void, options?: ListenOptions): RingListener {
    return this.ring.listen(this.#decoding(onEvent), options)
  }

  /** Events as they come, until the reader stops or the signal is given. */
  async *events(options?: RecordsOptions): AsyncGenerator<E, void> {
    for await (const record of this.ring.records(options)) {
      const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
      if (record.length >= this.#codec.size) yield this.#codec.read(view, 0)
      else this.short += 1
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<E, void> {
    return this.events()
  }

  /** Does nothing the second time. */
  close(): void {
    this.ring.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #decoding(onEvent: (event: E) => void): (view: DataView, at: number, length: number) => void {
    const codec = this.#codec
    return (view, at, length) => {
      if (length >= codec.size) onEvent(codec.read(view, at))
      else this.short += 1
    }
  }
}
