import { join } from 'node:path'
import { RingBuffer } from '../bpf/index.ts'
import { SeawallError } from '../entry/errors.ts'
import { openMap } from '../entry/open.ts'
import type { Paths } from '../entry/paths.ts'
import { CaptureRecord, ringSymbol, xdpVerdict } from '../rules/compile/index.ts'
import { Lease } from './lease.ts'
import { type Live, readLive, requireLive } from './live.ts'
import { pinOf } from './maps.ts'
import { SlotNames } from './slot-names.ts'
import type { CapturedPacket } from './types.ts'

/** Packets of one batch. */
const BATCH = 1024

/** Milliseconds between two signs of life. */
const RENEW_MS = 1_000

/**
 * Reads a capture's ring, straight from the kernel, and keeps the capture alive: when this process dies, however that is, the data
 * path stops copying after {@link LEASE_MS}. One reader for each capture.
 */
export class CaptureReader {
  readonly id: string
  readonly #live: () => Live | undefined
  readonly #lease: Lease
  readonly #ring: RingBuffer
  readonly #names: SlotNames
  readonly #timer: NodeJS.Timeout
  readonly #over = new AbortController()
  #waiting: CapturedPacket[] = []
  /** Losses that were told, the low 32 bits of their number. */
  #lostBefore = 0
  #lost = 0
  #removed = false
  #lapsed = false

  /** @throws SeawallError SEAWALL_UNKNOWN_RULE if there is no such capture, or not any more. */
  static open(paths: Paths, id: string): CaptureReader {
    const live = requireLive(paths)
    if (!hasCapture(live, id)) {
      throw new SeawallError('SEAWALL_UNKNOWN_RULE', `Cannot read "${id}": there is no such capture (it has ended)`)
    }
    const lease = Lease.open(live.folder, id)
    try {
      return new CaptureReader(id, lease, openRing(live, id), live, () => readLive(paths))
    } catch (error) {
      lease.close()
      throw error
    }
  }

  private constructor(id: string, lease: Lease, ring: RingBuffer, first: Live, live: () => Live | undefined) {
    this.id = id
    this.#live = live
    this.#lease = lease
    this.#ring = ring
    this.#names = new SlotNames(first.manifest, live)
    this.#lease.renew()
    this.#timer = setInterval(() => this.#renew(), RENEW_MS).unref()
  }

  /** Packets before the last one given out that the ring buffer had no room for. */
  get lost(): number {
    return this.#lost
  }

  /** Packets that the ring buffer had no room for, up to now. */
  get lostInAll(): number {
    return this.#lease.lost
  }

  /** Somebody else ended it: `seawall undo`, `seawall down`. */
  get wasRemoved(): boolean {
    return this.#removed
  }

  /** This process stood still for so long that the data path took it for dead, and copied nothing for a while. */
  get hasLapsed(): boolean {
    return this.#lapsed
  }

  /** Packets as they come, until the signal is given or the capture is removed; then those that are there already. */
  async *batches(signal: AbortSignal): AsyncGenerator<readonly CapturedPacket[], void> {
    // Not AbortSignal.any(), which Node 20 may forget when memory is collected.
    const end = (): void => this.#over.abort()
    if (signal.aborted) end()
    signal.addEventListener('abort', end)
    try {
      while (!this.#over.signal.aborted) {
        const batch = this.#take()
        if (batch.length > 0) yield batch
        else await this.#more(this.#over.signal)
      }
    } finally {
      signal.removeEventListener('abort', end)
    }
    this.stop()
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) yield batch
  }

  /** Nothing is captured any more; the rule is still there. */
  stop(): void {
    clearInterval(this.#timer)
    this.#lease.end()
  }

  close(): void {
    this.stop()
    this.#ring.close()
    this.#lease.close()
  }

  #take(): CapturedPacket[] {
    const batch = this.#waiting
    this.#waiting = []
    this.#ring.consume((view, at) => batch.push(this.#read(view, at)), BATCH)
    return batch
  }

  /** Waits until there are packets. */
  #more(ended: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        listener.close()
        ended.removeEventListener('abort', done)
        resolve()
      }
      const take = (view: DataView, at: number): void => {
        this.#waiting.push(this.#read(view, at))
        done()
      }
      const listener = this.#ring.listen(take, { budget: BATCH })
      ended.addEventListener('abort', done)
    })
  }

  /** Reads a record of the ring; its bytes are copied. */
  #read(view: DataView, at: number): CapturedPacket {
    const u32 = (offset: number) => view.getUint32(at + offset, true)
    return {
      timestamp: view.getBigUint64(at + CaptureRecord.timestamp, true),
      decidedBy: this.#names.of(u32(CaptureRecord.rule)),
      verdict: xdpVerdict(u32(CaptureRecord.verdict)),
      length: u32(CaptureRecord.length),
      ifindex: u32(CaptureRecord.ifindex),
      bytes: new Uint8Array(
        view.buffer,
        view.byteOffset + at + CaptureRecord.bytes,
        u32(CaptureRecord.captured),
      ).slice(),
      lost: this.#lostSince(u32(CaptureRecord.lost)),
    }
  }

  /** Two CPUs may write their records in another order than they read the number of losses. */
  #lostSince(total: number): number {
    const since = (total - this.#lostBefore) | 0
    if (since <= 0) return 0
    this.#lostBefore = total
    this.#lost += since
    return since
  }

  #renew(): void {
    if (this.#isGone()) {
      this.#removed = true
      return this.#over.abort()
    }
    if (this.#lease.isOver) this.#lapsed = true
    this.#lease.renew()
  }

  /** While one generation takes the place of another there may be nothing to read; the next look tells. */
  #isGone(): boolean {
    try {
      const live = this.#live()
      return live === undefined || !hasCapture(live, this.id)
    } catch {
      return false
    }
  }
}

function openRing({ folder }: Live, id: string): RingBuffer {
  const map = openMap(join(folder, pinOf(ringSymbol(id))))
  try {
    return RingBuffer.open(map)
  } finally {
    map.close()
  }
}

function hasCapture({ manifest }: Live, id: string): boolean {
  return manifest.rules.some((rule) => rule.id === id && rule.capture !== undefined)
}
