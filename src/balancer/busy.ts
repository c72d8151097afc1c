import { type Loaded, load } from '../bpf/index.ts'
import type { Paths } from '../entry/paths.ts'
import { busy } from '../generated/busy.ts'
import { inNetns } from '../linux/netns.ts'
import type { LiveBalancer } from './live.ts'
import { flowConfig } from './program-config.ts'

/** Rows in an element of the map `busy`. */
const ROWS_A_WORD = 64

/** Looks for the connections that this machine has of services, in the kernel: sockets are walked, hashed and noted there. */
export class Busy {
  readonly #loaded: Loaded<typeof busy>
  readonly #paths: Paths

  private constructor(loaded: Loaded<typeof busy>, paths: Paths) {
    this.#loaded = loaded
    this.#paths = paths
  }

  static async open(paths: Paths, live: LiveBalancer): Promise<Busy> {
    const { desired, manifest } = live
    const services = live.map('services')
    const rows = manifest.pools.length * desired.buckets
    const config = flowConfig(desired, services.maxEntries)
    const maxEntries = { busy: Math.ceil(rows / ROWS_A_WORD) }
    return new Busy(await load(busy, { config, maxEntries, reuse: { services } }), paths)
  }

  /** Rows in transition that this machine owned before, and of which it still has connections; of every pool, ascending. */
  look(live: LiveBalancer): number[][] {
    const { maps, programs } = this.#loaded
    const memory = maps.busy.map.mmap()
    memory.fill(0)
    inNetns(this.#paths.netns, () => {
      programs.busyTcp.iterate()
      programs.busyUdp.iterate()
    })
    const { manifest, desired } = live
    const self = manifest.self === undefined ? 0 : manifest.backends[manifest.self]!
    return manifest.pools.map(({ first }, pool) => {
      const rows = live.rows(pool)
      const found: number[] = []
      for (let row = 0; row < desired.buckets; row++)
        if (rows[row * 2 + 1] === self && isSet(memory, first + row)) found.push(row)
      return found
    })
  }

  close(): void {
    this.#loaded.close()
  }
}

/** Words are little-endian, so bits stand in the order of bytes. */
const isSet = (memory: Uint8Array, bit: number): boolean => ((memory[bit >> 3]! >> (bit & 7)) & 1) === 1
