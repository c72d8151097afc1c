import type { DesiredBalancer } from './desired.ts'
import type { LiveBalancer } from './live.ts'
import type { BalancerState } from './manifest.ts'
import type { Numbering } from './numbering.ts'
import type { Pool } from './pools.ts'
import { applyMoves, type MovePlan, planMoves } from './table/index.ts'

export interface PoolRequest {
  readonly pool: Pool
  readonly desired: DesiredBalancer
  readonly backends: Numbering
  /** Names of backends that are to own no bucket, and of those that cannot. */
  readonly drained: readonly string[]
  readonly dead: readonly string[]
}

/** Moves the rows of a pool to where they belong, as far as they may move now. */
export function planPool(rows: Uint16Array, request: PoolRequest): MovePlan {
  const plan = planMoves(rows, goalOf(request))
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
  { drained, dead }: Pick<BalancerState, 'drained' | 'dead'>,
  release: (pool: number, table: Uint16Array) => void = () => undefined,
): Uint16Array[] {
  const { manifest, desired } = live
  return manifest.pools.map((pool, index) => {
    const table = live.rows(index).slice()
    release(index, table)
    planPool(table, { pool, desired, backends: manifest.backends, drained, dead: dead[index] ?? [] })
    return table
  })
}

/** Weights and dead backends by number. */
export function goalOf({ pool, desired, backends, drained, dead }: PoolRequest) {
  const weights = desired.backends.flatMap(({ name, weight }) => {
    return pool.backends.includes(name) ? [[backends[name]!, drained.includes(name) ? 0 : weight] as const] : []
  })
  return { weights: new Map(weights), dead: new Set(dead.map((name) => backends[name]!)) }
}
