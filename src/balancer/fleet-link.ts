import { setTimeout as sleep } from 'node:timers/promises'
import type { Paths } from '../entry/paths.ts'
import type { Balancer } from './balancer.ts'
import { Busy } from './busy.ts'
import { poolKey, type TableDocument } from './fleet/document.ts'
import { Fleet } from './fleet/fleet.ts'
import type { Decision } from './fleet/machine.ts'
import type { BusyPool, Load, Wish } from './fleet/messages.ts'
import type { LiveBalancer } from './live.ts'
import { LoadFollower } from './load-follower.ts'
import { LoadMeter } from './load-meter.ts'
import { machinesOf } from './machines.ts'
import { type BalancerState, withDrained } from './manifest.ts'
import type { Pool } from './pools.ts'
import { release } from './table/index.ts'
import { documentOf, follow, poolOf } from './table-document.ts'
import { planTables } from './tables.ts'

export interface FleetLinkOptions {
  /** Name of this machine, which the fleet has. */
  readonly self: string
  readonly balancer: Balancer
  readonly paths: Paths
  /** What a generation's tables are decided by, with what this machine knows better than they do. */
  readonly stateOf: (live: LiveBalancer) => BalancerState
  readonly failed: (error: unknown) => void
}

/** Milliseconds until a machine has the table that another has decided on, or does not answer. */
const REACH_MS = 5_000

/** Ties the tables in this machine's kernel to those of the fleet. */
export class FleetLink {
  readonly #balancer: Balancer
  readonly #stateOf: FleetLinkOptions['stateOf']
  readonly #busy: Busy
  readonly #meter = new LoadMeter()
  readonly #follower = new LoadFollower()
  #fleet: Fleet | undefined

  private constructor({ balancer, stateOf }: FleetLinkOptions, busy: Busy) {
    this.#balancer = balancer
    this.#stateOf = stateOf
    this.#busy = busy
  }

  /** @throws FleetError */
  static async open(options: FleetLinkOptions): Promise<FleetLink> {
    const { self, balancer, paths } = options
    const { key, port, machines, document, transitionMs } = await balancer.locked(membership)
    const link = new FleetLink(options, await balancer.locked((live) => Busy.open(paths, live)))
    try {
      link.#fleet = await Fleet.open({
        self,
        key,
        port,
        machines,
        timing: { transitionMs },
        ...(document.version === 0 ? {} : { document }),
        hooks: {
          putInForce: (document) => link.#putInForce(document),
          look: (document) => link.#look(document),
          wish: (wish) => link.#fulfil(wish),
          round: () => link.#round(),
          failed: options.failed,
        },
      })
      return link
    } catch (error) {
      await link.close()
      throw error
    }
  }

  get conductor(): string | undefined {
    return this.#fleet?.conductor
  }

  /** Whether it is this machine that decides. */
  get conducts(): boolean {
    return this.#fleet?.conducts ?? false
  }

  /** Decides at once, if it is this machine that does: other backends are dead than before. */
  async reconsider(): Promise<void> {
    if (this.#fleet?.mayDecide === true) await this.#decide((state) => state)
  }

  async wish(backend: string, drained: boolean): Promise<void> {
    await this.#balancer.locked((live) => live.requireBackend(backend))
    const { version } = await this.#fleet!.wish({ kind: drained ? 'drain' : 'undrain', backend })
    await this.#reach(version)
  }

  async close(): Promise<void> {
    await this.#fleet?.close()
    this.#busy.close()
  }

  /** Waits until this machine has a table in force, too. */
  async #reach(version: number): Promise<void> {
    for (const until = performance.now() + REACH_MS; performance.now() < until; await sleep(50))
      if ((await this.#balancer.locked((live) => live.state.version)) >= version) return
  }

  async #putInForce(document: TableDocument): Promise<void> {
    await this.#balancer.locked((live) => {
      const { tables, state } = follow(live, document)
      for (const [pool, rows] of tables) live.setRows(pool, rows)
      live.save(state)
    })
  }

  async #look(document: TableDocument | undefined): Promise<{ busy: BusyPool[]; load: Load }> {
    return await this.#balancer.locked((live) => {
      const walk = this.#busy.look(live)
      const busy = inPoolsOf(document ?? documentOf(live), live.manifest.pools, walk.rows)
      return { busy, load: this.#meter.measure(walk) }
    })
  }

  async #fulfil({ kind, backend }: Wish): Promise<void> {
    await this.#decide((state) => withDrained(state, backend, kind === 'drain'))
  }

  async #round(): Promise<void> {
    const fleet = this.#fleet
    if (fleet?.mayDecide !== true) return
    await this.#decide((state, live) => ({
      ...state,
      factors: this.#follower.follow(live, state, fleet.loads(), performance.now()),
    }))
  }

  /** Moves what is to move, and tells the others if anything has changed. */
  async #decide(change: (state: BalancerState, live: LiveBalancer) => BalancerState): Promise<void> {
    const fleet = this.#fleet!
    const release = releaserOf(fleet)
    const present = fleet.present()
    const decision = await this.#balancer.locked((live) =>
      decisionOf(live, change(this.#stateOf(live), live), { release, present }),
    )
    if (decision !== undefined) await fleet.decide(decision)
  }
}

function membership(live: LiveBalancer) {
  const { desired } = live
  const { port, isOfBalancers } = desired.fleet!
  return {
    key: desired.key,
    port,
    machines: machinesOf(desired),
    document: documentOf(live),
    // Nobody is asked for connections where backends run no Seawall.
    transitionMs: isOfBalancers === true ? 0 : desired.transitionMs,
  }
}

/** Rows by the pools that a document has: they are known by their backends, and those may be more or fewer there. */
function inPoolsOf(document: TableDocument, pools: readonly Pool[], busy: readonly (readonly number[])[]): BusyPool[] {
  const rows = new Map<string, Set<number>>()
  for (const [index, { backends }] of pools.entries()) {
    const pool = poolOf(document, backends)
    if (pool === undefined) continue
    const key = poolKey(pool.backends)
    rows.set(key, new Set([...(rows.get(key) ?? []), ...busy[index]!]))
  }
  return [...rows].map(([pool, found]) => ({ pool, rows: Uint32Array.from(found).sort() }))
}

/** Clears the previous owners that nobody needs any more, in a table of the pool of some backends. */
function releaserOf(fleet: Fleet) {
  const { document } = fleet
  const rows = new Map(
    fleet.releasable().map(({ pool, quiet, expired }) => [document?.pools[pool], [...quiet, ...expired]]),
  )
  return (backends: readonly string[], table: Uint16Array): void => {
    const pool = document && poolOf(document, backends)
    release(table, (pool && rows.get(pool)) ?? [])
  }
}

/** What a decision goes by beside the goal. */
interface Limits {
  readonly release: (backends: readonly string[], table: Uint16Array) => void
  /** Names of machines whose agents answer. The kernel of another would go on by the old table, so its rows stay. */
  readonly present: ReadonlySet<string>
}

/** The tables as they are to be; undefined if that is how they are. */
function decisionOf(live: LiveBalancer, state: BalancerState, { release, present }: Limits): Decision | undefined {
  const inForce = documentOf(live)
  const tables = planTables(live, state, (pool, table) => release(live.manifest.pools[pool]!.backends, table))
  for (const [pool, table] of tables.entries()) keepAbsent(live, pool, table, { present, dead: state.dead[pool] ?? [] })
  const { pools, drained, dead, factors } = documentOf(live, { tables, state })
  const isSame =
    inForce.version > 0 &&
    pools.every(({ rows }, pool) => Buffer.compare(bytesOf(rows), bytesOf(inForce.pools[pool]!.rows)) === 0) &&
    JSON.stringify([drained, dead, factors]) === JSON.stringify([inForce.drained, inForce.dead, inForce.factors])
  return isSame ? undefined : { pools, drained, dead, factors }
}

/**
 * Takes back moves from and to machines whose agents do not answer, but for those that are dead. One that the configuration has no more,
 * or that runs no Seawall, is not of the fleet, and is not waited for.
 */
function keepAbsent(
  live: LiveBalancer,
  pool: number,
  table: Uint16Array,
  { present, dead }: { readonly present: ReadonlySet<string>; readonly dead: readonly string[] },
): void {
  const inForce = live.rows(pool)
  const stays = new Set(
    machinesOf(live.desired).flatMap(({ name }) => {
      const isHeard = present.has(name) || name === live.manifest.self
      return isHeard || dead.includes(name) ? [] : (live.manifest.backends[name] ?? [])
    }),
  )
  for (let at = 0; at < table.length; at += 2) {
    if (table[at] === inForce[at] || inForce[at] === 0) continue
    if (!stays.has(inForce[at]!) && !stays.has(table[at]!)) continue
    table[at] = inForce[at]!
    table[at + 1] = inForce[at + 1]!
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint16Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)
