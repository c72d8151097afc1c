import { setTimeout as sleep } from 'node:timers/promises'
import type { Paths } from '../entry/paths.ts'
import { Balancer } from './balancer.ts'
import { Transitions } from './fleet/transitions.ts'
import { FleetLink } from './fleet-link.ts'
import { HealthChecks } from './health/health-checks.ts'
import { type KeeperEvent, KeeperLog } from './keeper-log.ts'
import { LiveBalancer } from './live.ts'
import { memberOf } from './machines.ts'
import type { BalancerState } from './manifest.ts'
import { refreshNextHops } from './next-hops.ts'
import { Slots } from './slots.ts'
import { release } from './table/index.ts'
import { documentOf } from './table-document.ts'

export interface KeeperOptions {
  readonly paths: Paths
  /** Milliseconds to wait for another writer. */
  readonly waitMs: number
  readonly log: (event: KeeperEvent) => void
}

/** Milliseconds between two rounds of a machine that decides by itself. */
const ROUND_MS = 1_000

/**
 * Keeps the tables in force as they are to be: forgets previous owners that nobody needs any more, takes over the fleet's tables, or
 * decides about them, and knows the way to each backend. Packets do not depend on it.
 */
export class Keeper {
  readonly #options: KeeperOptions
  readonly #balancer: Balancer
  /** Times of transitions, while no fleet has a conductor who knows them. */
  #transitions: Transitions | undefined
  /** Folder of what is in force. */
  #folder: string | undefined
  #fleet: FleetLink | undefined
  readonly #health: HealthChecks
  #isChecking = false
  /** What it does is done one after the other. */
  readonly #turns = new Slots(1)
  readonly #stopped = new AbortController()
  #running: Promise<void> | undefined
  readonly #log: KeeperLog

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#log = new KeeperLog(options.log)
    this.#balancer = new Balancer(options.paths, options)
    this.#health = new HealthChecks({
      paths: options.paths,
      onChange: (dead) => {
        this.#log.dead(dead)
        void this.#attempt(() => this.#reconsider())
      },
    })
  }

  /** Begins with what is in force, and goes on with whatever comes into force later. */
  async start(): Promise<void> {
    await this.#attempt(() => this.#round())
    this.#running = this.#rounds()
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
    await this.#turns.run(() => this.#leave())
  }

  /** Name of the machine that decides, if there is a fleet. */
  get conductor(): string | undefined {
    return this.#fleet?.conductor
  }

  /** What checks said last of backends that they take for dead, by backend and service. */
  failures(): ReadonlyMap<string, Readonly<Record<string, string>>> {
    const failures = new Map<string, Record<string, string>>()
    for (const { backend, service, state, lastFailure } of this.#health.state())
      if (state === 'down')
        failures.set(backend, { ...failures.get(backend), [service]: lastFailure?.reason ?? 'unknown' })
    return failures
  }

  /** As the generation in force wants it: alone, or with the fleet. @throws SeawallError; FleetError */
  async setDrained(backend: string, drained: boolean): Promise<void> {
    await this.#turns.run(() => this.#follow())
    if (this.#fleet === undefined) await this.#balancer.setDrained(backend, drained)
    else await this.#fleet.wish(backend, drained)
  }

  async #rounds(): Promise<void> {
    const { signal } = this.#stopped
    for (;;) {
      await sleep(ROUND_MS, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      await this.#attempt(() => this.#round())
    }
  }

  async #round(): Promise<void> {
    await this.#follow()
    if (this.#folder === undefined) return
    this.#log.ways(await this.#balancer.locked((live) => refreshNextHops(this.#options.paths, live)))
    await this.#checkIfDeciding()
    await this.#decideAlone()
  }

  /** Turns to the generation in force. */
  async #follow(): Promise<void> {
    const folder = LiveBalancer.find(this.#options.paths)
    if (folder === this.#folder) return
    await this.#leave()
    if (folder !== undefined) await this.#begin(folder)
    // Not before: what failed is tried again in the next round.
    this.#folder = folder
  }

  async #begin(folder: string): Promise<void> {
    const live = LiveBalancer.open(folder)
    const { transitionMs } = live.desired
    const self = memberOf(this.#options.paths, live.desired)
    live.close()
    if (self !== undefined) this.#fleet = await this.#join(self)
    else this.#transitions = new Transitions({ quietMs: transitionMs, transitionMs })
  }

  /** Who decides about tables asks backends whether they live; the others hear of it, and forget what they had found themselves. */
  async #checkIfDeciding(): Promise<void> {
    if (this.#fleet === undefined || this.#fleet.conducts) {
      if (!this.#isChecking)
        await this.#balancer.locked(({ desired, state }) => this.#health.start(desired, state.dead))
      this.#isChecking = true
    } else if (this.#fleet.conductor !== undefined) {
      await this.#health.forget()
      this.#isChecking = false
    }
  }

  async #reconsider(): Promise<void> {
    await this.#fleet?.reconsider()
    await this.#decideAlone()
  }

  /** In a fleet it is the conductor who takes buckets from dead backends, and forgets previous owners. */
  async #decideAlone(): Promise<void> {
    const transitions = this.#transitions
    if (transitions === undefined) return
    await this.#balancer.change((live) => {
      // Another generation, which may be a fleet's, is for the next round.
      if (live.folder !== this.#folder) return {}
      return { state: this.#stateOf(live), release: expired(transitions, live) }
    })
  }

  /** What tables are decided by: dead are those that the checks of this machine take for dead, if it checks this generation. */
  #stateOf({ folder, state }: LiveBalancer): BalancerState {
    return this.#isChecking && folder === this.#folder ? { ...state, dead: this.#health.dead() } : state
  }

  async #leave(): Promise<void> {
    await this.#health.stop()
    this.#isChecking = false
    await this.#fleet?.close()
    this.#fleet = undefined
    this.#transitions = undefined
  }

  #join(self: string): Promise<FleetLink> {
    return FleetLink.open({
      self,
      balancer: this.#balancer,
      paths: this.#options.paths,
      stateOf: (live) => this.#stateOf(live),
      failed: (error) => this.#log.failed('fleet-failed', 'Cannot agree with the fleet', error),
    })
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await this.#turns.run(work)
    } catch (error) {
      this.#log.failed('balancer-failed', 'Cannot keep the balancer up to date', error)
    }
  }
}

/** Clears the previous owners of rows that have been in transition for too long. */
function expired(transitions: Transitions, live: LiveBalancer): (pool: number, table: Uint16Array) => void {
  const now = performance.now()
  transitions.update(documentOf(live), now)
  const rows = new Map(transitions.releasable(now).map(({ pool, expired }) => [pool, expired]))
  return (pool, table) => {
    release(table, rows.get(pool) ?? [])
  }
}
