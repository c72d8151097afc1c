import { isDeepStrictEqual } from 'node:util'
import { readConsistently, readConsistentlyInSteps } from '../entry/consistent.ts'
import { SeawallError } from '../entry/errors.ts'
import { liveVersion } from '../entry/live-generation.ts'
import { takeLock } from '../entry/lock.ts'
import type { Paths } from '../entry/paths.ts'
import type { DesiredBalancer } from './desired.ts'
import { impactOf } from './impact.ts'
import { LiveBalancer } from './live.ts'
import { memberOf } from './machines.ts'
import { type BalancerState, withDrained } from './manifest.ts'
import { backendStatus, balancerStatus, serviceStatus } from './status.ts'
import { planTables } from './tables.ts'
import type { BackendStatus, BalancerStatus, Impact, ServiceStatus, Where } from './types.ts'
import { whereAre } from './where.ts'

export interface BalancerOptions {
  /** Milliseconds to wait for another writer before giving up; default none. */
  readonly waitMs?: number
}

/** What is to be otherwise. */
export interface Change {
  /** As it is if absent. */
  readonly state?: BalancerState
  /** Clears previous owners in a copy of a pool's rows. */
  readonly release?: (pool: number, table: Uint16Array) => void
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
    return readConsistently(this.#version, () => LiveBalancer.find(this.#paths) !== undefined)
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
    return await readConsistentlyInSteps(this.#version, () =>
      this.#reading((live) => whereAre(this.#paths, live, packets)),
    )
  }

  /**
   * Has a backend own no buckets, or as many as its weight says again.
   *
   * @throws SeawallError SEAWALL_FLEET where this machine does not decide alone
   */
  async setDrained(name: string, drained: boolean): Promise<void> {
    await this.change((live) => {
      this.#refuseFleet(live, name)
      live.requireBackend(name)
      return { state: withDrained(live.state, name, drained) }
    })
  }

  /** Changes what is known, and moves rows accordingly, under the lock. */
  change(work: (live: LiveBalancer) => Change): Promise<void> {
    return this.locked((live) => {
      const before = live.state
      const { state = before, release } = work(live)
      const tables = planTables(live, state, release)
      if (isDeepStrictEqual(state, before) && tables.every((table, pool) => isSame(table, live.rows(pool)))) return
      for (const [pool, table] of tables.entries()) live.setRows(pool, table)
      live.save({ ...state, version: state.version + 1 })
    })
  }

  /** Works on what is in force while nobody else changes it. */
  async locked<T>(work: (live: LiveBalancer) => T | Promise<T>): Promise<T> {
    const lock = await takeLock(this.#paths.run, 'lock', this.#waitMs)
    try {
      return await this.#reading(work)
    } finally {
      lock.release()
    }
  }

  /** A table that this machine made alone would differ from that of the others, or be lost to theirs. */
  #refuseFleet({ desired }: LiveBalancer, name: string): void {
    if (memberOf(this.#paths, desired) === undefined) return
    throw new SeawallError(
      'SEAWALL_FLEET',
      `Cannot drain or undrain "${name}": the agents of the fleet decide together, and none runs here (start it with seawall up, or ask on another machine)`,
    )
  }

  async #reading<T>(work: (live: LiveBalancer) => T | Promise<T>): Promise<T> {
    const live = LiveBalancer.open(LiveBalancer.require(this.#paths))
    try {
      return await work(live)
    } finally {
      live.close()
    }
  }

  #read<T>(work: (live: LiveBalancer) => T): T {
    return readConsistently(this.#version, () => {
      const live = LiveBalancer.open(LiveBalancer.require(this.#paths))
      try {
        return work(live)
      } finally {
        live.close()
      }
    })
  }

  readonly #version = (): string => liveVersion(this.#paths)
}

const isSame = (a: Uint16Array, b: Uint16Array): boolean => a.every((number, at) => number === b[at])
