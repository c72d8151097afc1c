import type { DesiredBackend, DesiredBalancer } from './desired.ts'
import type { TableDocument } from './fleet/document.ts'
import { limits } from './limits.ts'
import type { LiveBalancer } from './live.ts'
import type { BalancerState, PlacedPool } from './manifest.ts'
import { type Numbering, renumber } from './numbering.ts'
import { ancestorOf, poolsOf } from './pools.ts'
import { lingering } from './status.ts'
import { applyMoves } from './table/index.ts'
import { factorsFor, tableOf } from './table-document.ts'
import { planPool } from './tables.ts'

/** What goes into the maps of a generation, and what is to be known of it. */
export interface Layout {
  readonly backends: Numbering
  readonly services: Numbering
  readonly pools: readonly PlacedPool[]
  /** The rows of all pools, {current, previous} each. */
  readonly rows: Uint16Array
  /** Backends that rows may have: those of the configuration, and those that still have connections. */
  readonly known: readonly DesiredBackend[]
  readonly state: BalancerState
  /** By pool: rows that have another owner than before, and those that wait for the slot of a previous owner. */
  readonly impacts: readonly { readonly moved: number; readonly deferred: number }[]
}

/** A generation before, as far as tables go on from it. */
export type Before = Pick<LiveBalancer, 'manifest' | 'desired' | 'rows' | 'state'>

/**
 * Lays out tables: those of pools that go on from one before have its rows, so that flows stay where they are, but for the moves that
 * the configuration asks for.
 */
export function layOutTables(
  desired: DesiredBalancer,
  before: Before | undefined,
  seed: TableDocument | undefined,
): Layout {
  const { buckets } = desired
  const kept = before?.desired.buckets === buckets ? before : undefined
  const known = [...desired.backends, ...formerBackends(desired, kept)]
  const backends = renumber(
    'backend',
    known.map(({ name }) => name),
    kept?.manifest.backends ?? {},
    limits.backends,
  )
  const services = renumber(
    'service',
    desired.services.map(({ id }) => id),
    before?.manifest.services ?? {},
    limits.services,
  )
  const pools = poolsOf(desired.services).map((pool, index) => ({ ...pool, first: index * buckets }))
  const rows = new Uint16Array(pools.length * buckets * 2)
  const drained = (before?.state.drained ?? seed?.drained ?? []).filter((name) => name in backends)
  const origins = pools.map((pool) => originOf(pool, { desired, backends, kept, seed }))
  const impacts = pools.map((pool, index) => {
    const { origin, dead, factors } = origins[index]!
    const table = rows.subarray(pool.first * 2, (pool.first + buckets) * 2)
    if (origin !== undefined) table.set(origin)
    const { moves, moved, deferred } = planPool(table.slice(), { pool, desired, backends, drained, dead, factors })
    // In a fleet the conductor moves what is to move.
    if (desired.fleet === undefined || origin === undefined) applyMoves(table, moves)
    return { moved, deferred }
  })
  return {
    backends,
    services,
    pools,
    rows,
    known,
    state: {
      ...stateBefore(desired, before, seed),
      drained,
      dead: origins.map(({ dead }) => dead),
      factors: origins.map(({ factors }) => factors),
    },
    impacts,
  }
}

/** What a pool goes on from. */
interface Origin {
  /** Its rows before, by which packets are sent elsewhere too. */
  readonly origin?: Uint16Array
  readonly dead: readonly string[]
  readonly factors: Readonly<Record<string, number>>
}

interface Sources {
  readonly desired: DesiredBalancer
  readonly backends: Numbering
  readonly kept: Before | undefined
  readonly seed: TableDocument | undefined
}

/** The table of this machine before, or else that of the fleet, with what is known of its backends. */
function originOf(pool: PlacedPool, { desired, backends, kept, seed }: Sources): Origin {
  const { buckets } = desired
  const ancestor = kept === undefined ? undefined : ancestorOf(pool, kept.manifest.pools)
  if (ancestor !== undefined) {
    const dead = (kept!.state.dead[ancestor] ?? []).filter((name) => pool.backends.includes(name))
    return { origin: kept!.rows(ancestor), dead, factors: fedOf(pool, desired, kept!.state.factors[ancestor]) }
  }
  const origin = seed && tableOf(seed, { ...pool, numbering: backends, buckets })
  if (origin === undefined) return { dead: [], factors: {} }
  return { origin, dead: [], factors: fedOf(pool, desired, factorsFor(seed!, pool.backends)) }
}

/** What load has said of the backends of a pool, as long as shares are to follow it. */
function fedOf(pool: PlacedPool, { followLoad }: DesiredBalancer, factors: Origin['factors'] = {}): Origin['factors'] {
  if (followLoad === undefined) return {}
  return Object.fromEntries(Object.entries(factors).filter(([name]) => pool.backends.includes(name)))
}

/** Backends that the configuration has no more, but rows have. */
function formerBackends(desired: DesiredBalancer, before: Before | undefined): DesiredBackend[] {
  if (before === undefined) return []
  const tables = before.manifest.pools.map((_, pool) => before.rows(pool))
  const names = new Set(lingering(before.manifest, desired, tables))
  return before.desired.backends.filter(({ name }) => names.has(name))
}

/** A fleet's version is that of its conductor's table; a machine by itself counts its own. */
function stateBefore(
  { fleet }: DesiredBalancer,
  before: Before | undefined,
  seed: TableDocument | undefined,
): Pick<BalancerState, 'version' | 'conductor'> {
  const { version = 0, conductor } = before?.state ?? seed ?? {}
  if (fleet === undefined) return { version: version + 1 }
  return { version, ...(conductor === undefined ? {} : { conductor }) }
}
