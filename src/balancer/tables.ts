import type { DesiredBalancer } from './desired.ts'
import type { LiveBalancer } from './live.ts'
import type { BalancerState } from './manifest.ts'
import type { Numbering } from './numbering.ts'
import type { Pool } from './pools.ts'
import { applyMoves, feed, type Goal, type MovePlan, planMoves } from './table/index.ts'

export interface PoolRequest {
  readonly pool: Pool
  readonly desired: DesiredBalancer
  readonly backends: Numbering
  /** Names of backends that are to own no bucket, and of those that cannot. */
  readonly drained: readonly string[]
  readonly dead: readonly string[]
  /** What load multiplies weights with, by name. */
  readonly factors: Readonly<Record<string, number>>
}

/** Moves the rows of a pool to where they belong, as far as they may move now. */
export function planPool(rows: Uint16Array, request: PoolRequest): MovePlan {
  const plan = planMoves(rows, feed(goalOf(request), factorsOf(request)))
  applyMoves(rows, plan.moves)
  return plan
}

/**
 * The tables of all pools as they are to be, aside.
 *
 * @param release clears previous owners that nobody needs any more, before rows move.
 */
export function planTables(
  live: Pick<LiveBalancer, 'manifest' | 'desired' | 'rows'>,
  state: Pick<BalancerState, 'drained' | 'dead' | 'factors'>,
  release: (pool: number, table: Uint16Array) => void = () => undefined,
): Uint16Array[] {
  return live.manifest.pools.map((_, index) => {
    const table = live.rows(index).slice()
    release(index, table)
    planPool(table, requestOf(live, state, index))
    return table
  })
}

/** What is wanted of the table of a pool in force. */
export function requestOf(
  { manifest, desired }: Pick<LiveBalancer, 'manifest' | 'desired'>,
  { drained, dead, factors }: Pick<BalancerState, 'drained' | 'dead' | 'factors'>,
  index: number,
): PoolRequest {
  const place = { pool: manifest.pools[index]!, desired, backends: manifest.backends }
  return { ...place, drained, dead: dead[index] ?? [], factors: factors[index] ?? {} }
}

/** Weights by the configuration, and dead backends, by number. */
export function goalOf({ pool, desired, backends, drained, dead }: PoolRequest): Goal {
  const weights = desired.backends.flatMap(({ name, weight }) => {
    return pool.backends.includes(name) ? [[backends[name]!, drained.includes(name) ? 0 : weight] as const] : []
  })
  return { weights: new Map(weights), dead: new Set(dead.map((name) => backends[name]!)) }
}

/** By number. */
export function factorsOf({ backends, factors }: PoolRequest): Map<number, number> {
  return new Map(
    Object.entries(factors).flatMap(([name, factor]) => (name in backends ? [[backends[name]!, factor]] : [])),
  )
}
