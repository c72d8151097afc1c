import { setTimeout as sleep } from 'node:timers/promises'
import type { Paths } from '../entry/paths.ts'
import { Balancer } from './balancer.ts'
import { Transitions } from './fleet/transitions.ts'
import { FleetLink } from './fleet-link.ts'
import { type Dead, HealthChecks } from './health/health-checks.ts'
import { LiveBalancer } from './live.ts'
import { memberOf } from './machines.ts'
import { refreshNextHops } from './next-hops.ts'
import { release } from './table/index.ts'
import { documentOf } from './table-document.ts'

export interface KeeperEvent {
  readonly level: 'info' | 'warn' | 'error'
  readonly event: string
  readonly message: string
}

export interface KeeperOptions {
  readonly paths: Paths
  /** Milliseconds to wait for another writer. */
  readonly waitMs: number
  readonly log: (event: KeeperEvent) => void
}

/** Milliseconds between two rounds of a machine that decides by itself. */
const ROUND_MS = 1_000

/** Milliseconds before a failure that lasts is told again. */
const AGAIN_MS = 60_000

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
  readonly #stopped = new AbortController()
  #running: Promise<void> | undefined
  /** Names of backends to which there is no way. */
  #lost: readonly string[] = []
  /** When each failure was told last: it is not said again every second. */
  readonly #told = new Map<string, number>()

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#balancer = new Balancer(options.paths, options)
    this.#health = new HealthChecks({
      paths: options.paths,
      onChange: (dead) => void this.#attempt(() => this.#setDead(dead)),
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
    await this.#leave()
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

  async setDrained(backend: string, drained: boolean): Promise<void> {
    if (this.#fleet === undefined) return await this.#balancer.setDrained(backend, drained)
    await this.#fleet.wish(backend, drained)
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
    const folder = LiveBalancer.find(this.#options.paths)
    if (folder !== this.#folder) await this.#turnTo(folder)
    if (folder === undefined) return
    this.#tellOfWays(await this.#balancer.locked((live) => refreshNextHops(this.#options.paths, live)))
    await this.#checkIfDeciding()
    // In a fleet it is the conductor who forgets previous owners.
    const transitions = this.#transitions
    if (transitions !== undefined) await this.#balancer.change((live) => ({ release: expired(transitions, live) }))
  }

  /** Another generation is in force. */
  async #turnTo(folder: string | undefined): Promise<void> {
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

  /** Who decides about tables asks backends whether they live; the others hear of it. */
  async #checkIfDeciding(): Promise<void> {
    const decides = this.#fleet?.mayDecide ?? true
    if (decides === this.#isChecking) return
    if (decides) await this.#balancer.locked(({ desired, state }) => this.#health.start(desired, state.dead))
    else await this.#health.stop()
    this.#isChecking = decides
  }

  async #setDead(dead: Dead): Promise<void> {
    this.#tellOf(dead)
    if (this.#fleet !== undefined) return await this.#fleet.setDead(dead)
    await this.#balancer.change((live) => ({ state: { ...live.state, dead } }))
  }

  #tellOf(dead: Dead): void {
    const names = [...new Set(dead.flat())].sort()
    const message =
      names.length === 0 ? 'All backends answer their checks' : `Dead by their checks: ${names.join(', ')}`
    this.#options.log({ level: names.length === 0 ? 'info' : 'warn', event: 'health', message })
  }

  #tellOfWays(lost: readonly string[]): void {
    if (lost.join() === this.#lost.join()) return
    this.#lost = lost
    const message =
      lost.length === 0
        ? 'The way to all backends is known'
        : `No route or no link address of backends, whose packets are dropped: ${lost.join(', ')}`
    this.#options.log({ level: lost.length === 0 ? 'info' : 'warn', event: 'ways', message })
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
      failed: (error) => this.#failed('fleet-failed', 'Cannot agree with the fleet', error),
    })
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#failed('balancer-failed', 'Cannot keep the balancer up to date', error)
    }
  }

  #failed(event: string, what: string, error: unknown): void {
    const message = `${what}: ${error instanceof Error ? error.message : String(error)}`
    const now = performance.now()
    if (now - (this.#told.get(message) ?? -AGAIN_MS) < AGAIN_MS) return
    this.#told.set(message, now)
    this.#options.log({ level: 'error', event, message })
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
