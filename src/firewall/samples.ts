import { join } from 'node:path'
import { RingBuffer, type RingListener } from '../bpf/index.ts'
import { openMap } from '../entry/open.ts'
import { SampleRecord, xdpVerdict } from '../rules/compile/index.ts'
import type { Live } from './live.ts'
import { SlotNames } from './slot-names.ts'
import type { Sample } from './types.ts'

/** Samples that wait for a reader; a slower one loses the oldest, and is told how many. */
const WAITING = 4096

/** The kernel's ring of samples has one reader; this hands each sample to everybody who asks. */
export class Samples {
  readonly #names: SlotNames
  readonly #readers = new Set<SampleQueue>()
  #ring: { readonly buffer: RingBuffer; readonly listener: RingListener } | undefined

  /** `live` tells which generation is in force. `first`: the one in force now. */
  constructor(first: Live, live: () => Live | undefined) {
    this.#names = new SlotNames(first.manifest, live)
    const map = openMap(join(first.folder, 'samples'))
    const buffer = RingBuffer.open(map)
    map.close()
    this.#ring = { buffer, listener: buffer.listen((view, at) => this.#hand(view, at)) }
  }

  /** True once nobody reads any more and the ring is closed: for the next reader a new one is needed. */
  get isClosed(): boolean {
    return this.#ring === undefined
  }

  async *read(signal?: AbortSignal): AsyncGenerator<Sample, void> {
    const queue = new SampleQueue()
    this.#readers.add(queue)
    const stop = () => queue.end()
    signal?.addEventListener('abort', stop)
    try {
      while (signal?.aborted !== true) {
        const sample = await queue.next()
        if (sample === undefined) return
        yield sample
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      this.#readers.delete(queue)
      if (this.#readers.size === 0) this.#close()
    }
  }

  #close(): void {
    this.#ring?.listener.close()
    this.#ring?.buffer.close()
    this.#ring = undefined
  }

  #hand(view: DataView, at: number): void {
    const sample = decodeSample(view, at, this.#names)
    for (const reader of this.#readers) reader.push(sample)
  }
}

/** Reads a record of the ring; its bytes are copied. */
function decodeSample(view: DataView, at: number, names: SlotNames): Sample {
  const u32 = (offset: number) => view.getUint32(at + offset, true)
  const captured = u32(SampleRecord.captured)
  const sampledBy = u32(SampleRecord.sampledBy)
  return {
    timestamp: view.getBigUint64(at + SampleRecord.timestamp, true),
    decidedBy: names.of(u32(SampleRecord.rule)),
    verdict: xdpVerdict(u32(SampleRecord.verdict)),
    ...(sampledBy === 0 ? {} : { sampledBy: names.of(sampledBy) }),
    length: u32(SampleRecord.length),
    ifindex: u32(SampleRecord.ifindex),
    bytes: new Uint8Array(view.buffer, view.byteOffset + at + SampleRecord.bytes, captured).slice(),
  }
}

/** What waits for one reader. */
export class SampleQueue {
  readonly #waiting: Sample[] = []
  #skipped = 0
  #ended = false
  #wake: (() => void) | undefined

  push(sample: Sample): void {
    if (this.#waiting.length >= WAITING) {
      this.#waiting.shift()
      this.#skipped++
    }
    this.#waiting.push(sample)
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async next(): Promise<Sample | undefined> {
    while (this.#waiting.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const sample = this.#waiting.shift()
    const skipped = this.#skipped
    this.#skipped = 0
    return sample === undefined || skipped === 0 ? sample : { ...sample, skipped }
  }
}
