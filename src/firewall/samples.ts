import { join } from 'node:path'
import { RingBuffer, type RingListener } from '../bpf/index.ts'
import { SampleRecord, Xdp } from '../rules/compile/index.ts'
import type { Live } from './live.ts'
import type { Manifest } from './manifest.ts'
import { openMap } from './open.ts'
import { describeSlot } from './probe.ts'
import type { Sample } from './types.ts'

/** Samples that wait for a reader; a slower one loses the oldest. */
const WAITING = 4096

/** Milliseconds for which a manifest is good to name rules by. */
const FRESH_MS = 250

/** The kernel's ring of samples has one reader; this hands each sample to everybody who asks. */
export class Samples {
  readonly #live: () => Live | undefined
  readonly #readers = new Set<SampleQueue>()
  #ring: { readonly buffer: RingBuffer; readonly listener: RingListener } | undefined
  #manifest: Manifest
  #readAt = 0

  /** `live` tells which generation is in force. `first`: the one in force now. */
  constructor(first: Live, live: () => Live | undefined) {
    this.#live = live
    this.#manifest = first.manifest
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
    const sample = decodeSample(view, at, this.#names())
    for (const reader of this.#readers) reader.push(sample)
  }

  #names(): Manifest {
    const now = performance.now()
    if (now - this.#readAt > FRESH_MS) {
      this.#readAt = now
      this.#manifest = this.#live()?.manifest ?? this.#manifest
    }
    return this.#manifest
  }
}

/** Reads a record of the ring; its bytes are copied. */
function decodeSample(view: DataView, at: number, manifest: Manifest): Sample {
  const u32 = (offset: number) => view.getUint32(at + offset, true)
  const captured = u32(SampleRecord.captured)
  const sampledBy = u32(SampleRecord.sampledBy)
  return {
    timestamp: view.getBigUint64(at + SampleRecord.timestamp, true),
    decidedBy: describeSlot(manifest, u32(SampleRecord.rule)),
    verdict: u32(SampleRecord.verdict) === Xdp.drop ? 'drop' : 'pass',
    ...(sampledBy === 0 ? {} : { sampledBy: describeSlot(manifest, sampledBy) }),
    length: u32(SampleRecord.length),
    ifindex: u32(SampleRecord.ifindex),
    bytes: new Uint8Array(view.buffer, view.byteOffset + at + SampleRecord.bytes, captured).slice(),
  }
}

/** What waits for one reader. */
class SampleQueue {
  readonly #waiting: Sample[] = []
  #ended = false
  #wake: (() => void) | undefined

  push(sample: Sample): void {
    if (this.#waiting.length >= WAITING) this.#waiting.shift()
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
    return this.#waiting.shift()
  }
}
