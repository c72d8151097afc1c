import { join } from 'node:path'
import type { BpfMap } from '../bpf/index.ts'
import { openMap } from '../entry/open.ts'
import { milliseconds, now } from '../entry/pending.ts'
import { CaptureLease, leaseSymbol } from '../rules/compile/index.ts'
import { pinOf } from './maps.ts'

/** Milliseconds that a capture goes on after its reader was last heard of. */
export const LEASE_MS = 10_000

/** What the data path and the reader of a capture tell each other: until when to capture, and how much was lost. */
export class Lease {
  readonly #map: BpfMap
  readonly #words: BigUint64Array<ArrayBufferLike>

  /** `folder`: of a generation that has the capture. */
  static open(folder: string, id: string): Lease {
    return new Lease(openMap(join(folder, pinOf(leaseSymbol(id)))))
  }

  private constructor(map: BpfMap) {
    const { buffer, byteOffset } = map.mmap()
    this.#map = map
    this.#words = new BigUint64Array(buffer, byteOffset, CaptureLease.size / 8)
  }

  /** CLOCK_MONOTONIC, nanoseconds. */
  get until(): bigint {
    return Atomics.load(this.#words, CaptureLease.until / 8)
  }

  get isOver(): boolean {
    return this.until <= now()
  }

  /** Packets that the capture's ring had no room for. */
  get lost(): number {
    return Number(Atomics.load(this.#words, CaptureLease.lost / 8))
  }

  /** The reader is alive. */
  renew(): void {
    this.#set(now() + milliseconds(LEASE_MS))
  }

  /** From now on nothing is captured. */
  end(): void {
    this.#set(0n)
  }

  close(): void {
    this.#map.close()
  }

  #set(until: bigint): void {
    Atomics.store(this.#words, CaptureLease.until / 8, until)
  }
}

/** Does something with the lease of a capture. */
export function withLease<T>(folder: string, id: string, work: (lease: Lease) => T): T {
  const lease = Lease.open(folder, id)
  try {
    return work(lease)
  } finally {
    lease.close()
  }
}
