import { type Loaded, load } from '../bpf/index.ts'
import type { Paths } from '../entry/paths.ts'
import { busy, Load as SocketLoad } from '../generated/busy.ts'
import { inNetns } from '../linux/netns.ts'
import type { LiveBalancer } from './live.ts'
import { flowConfig } from './program-config.ts'

/** A full accept queue, as the kernel's side counts. */
const FULL = 1_000

/** What a walk over the sockets of this machine found. */
export interface Walk {
  /** Rows in transition that this machine owned before, and of which it still has connections; of every pool, ascending. */
  readonly rows: readonly (readonly number[])[]
  /** Connections of services. */
  readonly connections: number
  /** How full the fullest accept queue is, 0 to 1. */
  readonly acceptQueue: number
}

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

  look(live: LiveBalancer): Walk {
    const { maps, programs } = this.#loaded
    const memory = maps.busy.map.mmap()
    const load = maps.load.map.mmap()
    memory.fill(0)
    load.fill(0)
    inNetns(this.#paths.netns, () => {
      programs.busyTcp.iterate()
      programs.busyUdp.iterate()
    })
    const { connections, acceptQueue } = SocketLoad.read(new DataView(load.buffer, load.byteOffset), 0)
    return { rows: rowsOf(live, memory), connections, acceptQueue: acceptQueue / FULL }
  }

  close(): void {
    this.#loaded.close()
  }
}

function rowsOf(live: LiveBalancer, memory: Uint8Array): number[][] {
  const { manifest, desired } = live
  // Who only balances owned nothing.
  if (manifest.self === undefined) return manifest.pools.map(() => [])
  const self = manifest.backends[manifest.self]!
  return manifest.pools.map(({ first }, pool) => {
    const rows = live.rows(pool)
    const found: number[] = []
    for (let row = 0; row < desired.buckets; row++)
      if (rows[row * 2 + 1] === self && isSet(memory, first + row)) found.push(row)
    return found
  })
}

/** Words are little-endian, so bits stand in the order of bytes. */
const isSet = (memory: Uint8Array, bit: number): boolean => ((memory[bit >> 3]! >> (bit & 7)) & 1) === 1
