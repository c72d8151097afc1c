import { SeawallError } from '../entry/errors.ts'
import { takeLock } from '../entry/lock.ts'
import type { Paths } from '../entry/paths.ts'
import { closest } from '../rules/suggest.ts'
import type { DesiredBalancer } from './desired.ts'
import { impactOf } from './impact.ts'
import { LiveBalancer } from './live.ts'
import type { BalancerState } from './manifest.ts'
import { backendStatus, balancerStatus, serviceStatus } from './status.ts'
import { planPool } from './tables.ts'
import type { BackendStatus, BalancerStatus, Impact, ServiceStatus, Where } from './types.ts'
import { whereAre } from './where.ts'

export interface BalancerOptions {
  /** Milliseconds to wait for another writer before giving up; default none. */
  readonly waitMs?: number
}

/** The balancer of this machine, as it is in the kernel. What changes something takes the lock, what reads does not. */
export class Balancer {
  readonly #paths: Paths
  readonly #waitMs: number

  constructor(paths: Paths, options: BalancerOptions = {}) {
    this.#paths = paths
    this.#waitMs = options.waitMs ?? 0
  }

  isUp(): boolean {
    return LiveBalancer.find(this.#paths) !== undefined
  }

  /** @throws SeawallError SEAWALL_NO_BALANCER if none is in force, as all below */
  status(): BalancerStatus {
    return this.#read(balancerStatus)
  }

  services(): ServiceStatus[] {
    return this.#read(serviceStatus)
  }

  backends(failures?: ReadonlyMap<string, Readonly<Record<string, string>>>): BackendStatus[] {
    return this.#read((live) => backendStatus(live, failures))
  }

  /** What a configuration would do to the flows of each table. */
  impact(desired: DesiredBalancer | undefined): Impact[] {
    const folder = LiveBalancer.find(this.#paths)
    if (folder === undefined) return impactOf(undefined, desired)
    return this.#read((live) => impactOf(live, desired))
  }

  /** Which server gets each packet, and why. */
  async where(packets: readonly Uint8Array[]): Promise<Where[]> {
    const live = LiveBalancer.open(LiveBalancer.require(this.#paths))
    try {
      return await whereAre(this.#paths, live, packets)
    } finally {
      live.close()
    }
  }

  /** Has a backend own no buckets, or as many as its weight says again. */
  async setDrained(name: string, drained: boolean): Promise<void> {
    await this.change((live) => {
      requireBackend(live, name)
      const state = live.state
      const others = state.drained.filter((one) => one !== name)
      return { ...state, drained: drained ? [...others, name].sort() : others }
    })
  }

  /** Changes what is known, and moves rows accordingly, under the lock. */
  change(work: (live: LiveBalancer) => BalancerState): Promise<void> {
    return this.locked((live) => {
      const state = work(live)
      moveRows(live, state)
      live.save({ ...state, version: state.version + 1 })
    })
  }

  /** Works on what is in force while nobody else changes it. */
  async locked<T>(work: (live: LiveBalancer) => T): Promise<T> {
    const lock = await takeLock(this.#paths.run, 'lock', this.#waitMs)
    try {
      return this.#read(work)
    } finally {
      lock.release()
    }
  }

  #read<T>(work: (live: LiveBalancer) => T): T {
    const live = LiveBalancer.open(LiveBalancer.require(this.#paths))
    try {
      return work(live)
    } finally {
      live.close()
    }
  }
}

/** Plans each table aside, and writes the rows that differ. */
function moveRows(live: LiveBalancer, state: BalancerState): void {
  const { manifest, desired } = live
  for (const [index, pool] of manifest.pools.entries()) {
    const planned = live.rows(index).slice()
    const request = {
      pool,
      desired,
      backends: manifest.backends,
      drained: state.drained,
      dead: state.dead[index] ?? [],
    }
    const { moves } = planPool(planned, request)
    for (const { row } of moves) live.setRow(index, row, planned[row * 2]!, planned[row * 2 + 1]!)
  }
}

function requireBackend({ manifest }: LiveBalancer, name: string): void {
  const names = Object.keys(manifest.backends)
  if (names.includes(name)) return
  const meant = closest(name, names)
  const remedy = meant === undefined ? 'see seawall backends' : `did you mean "${meant}"?`
  throw new SeawallError('SEAWALL_UNKNOWN_BACKEND', `Cannot find backend "${name}" (${remedy})`)
}
