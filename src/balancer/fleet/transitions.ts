import { poolKey, type TableDocument, type TablePool } from './document.ts'
import type { BusyPool, Settled } from './messages.ts'
import type { FleetTiming } from './peers.ts'

type Limits = Pick<FleetTiming, 'quietMs' | 'transitionMs'>

/** Rows of a pool whose previous slot may be freed, ascending. */
export interface Releasable {
  /** Index in the document. */
  readonly pool: number
  /** The previous owner has no connection of these. */
  readonly quiet: readonly number[]
  /** These have been in transition for too long. */
  readonly expired: readonly number[]
}

/** What is known of the rows of a pool that are in transition; each array has a number a row. */
interface PoolState {
  readonly pool: TablePool
  /** Version that moved it, and when that was. */
  readonly movedBy: Float64Array
  readonly movedAt: Float64Array
  /** First and last time that the previous owner said to have no connection of it; NaN since it said otherwise. */
  readonly quietSince: Float64Array
  readonly quietUntil: Float64Array
  /** Rows by the name of their previous owner. */
  readonly rowsOf: ReadonlyMap<string, readonly number[]>
}

/** Follows the rows in transition of the conductor's table. `now` is the conductor's own clock and nobody else's. */
export class Transitions {
  readonly #limits: Limits
  #pools: ReadonlyMap<string, PoolState> = new Map()

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** There is a new table: rows that it changed, and those of pools that are new, moved now; of the others is known what was. */
  update({ version, pools }: TableDocument, now: number): void {
    this.#pools = new Map(
      pools.map((pool) => {
        const key = poolKey(pool.backends)
        return [key, stateOf(pool, this.#pools.get(key), version, now)]
      }),
    )
  }

  /**
   * A machine has looked for connections after it had heard `settled`. That it has none of a row counts only if the row had moved by then:
   * before, others could still send it new ones. That it has some counts always.
   */
  note(from: string, settled: Settled | undefined, busy: readonly BusyPool[], now: number): void {
    for (const { pool, rows } of busy) {
      const state = this.#pools.get(pool)
      const stillBusy = new Set(rows)
      for (const row of state?.rowsOf.get(from) ?? []) {
        if (state === undefined) continue
        if (stillBusy.has(row)) state.quietSince[row] = Number.NaN
        else if (settled !== undefined && settled.version >= at(state.movedBy, row)) noteQuiet(state, row, now)
      }
    }
  }

  /** Rows that may be freed, by pool; pools that have none are not there. */
  releasable(now: number): Releasable[] {
    return [...this.#pools.values()].flatMap((state, pool) => {
      const rows = [...state.rowsOf.values()].flat().sort((a, b) => a - b)
      const isQuiet = (row: number) => at(state.quietUntil, row) - at(state.quietSince, row) >= this.#limits.quietMs
      const quiet = rows.filter(isQuiet)
      const expired = rows.filter((row) => !isQuiet(row) && now - at(state.movedAt, row) >= this.#limits.transitionMs)
      return quiet.length + expired.length === 0 ? [] : [{ pool, quiet, expired }]
    })
  }
}

function noteQuiet({ quietSince, quietUntil }: PoolState, row: number, now: number): void {
  if (Number.isNaN(at(quietSince, row))) quietSince[row] = now
  quietUntil[row] = now
}

function stateOf(pool: TablePool, before: PoolState | undefined, version: number, now: number): PoolState {
  const { rows, backends } = pool
  const count = rows.length / 2
  const old = before?.pool.rows.length === rows.length ? before : undefined
  const state = {
    pool,
    movedBy: new Float64Array(count).fill(version),
    movedAt: new Float64Array(count).fill(now),
    quietSince: new Float64Array(count).fill(Number.NaN),
    quietUntil: new Float64Array(count).fill(Number.NaN),
  }
  const rowsOf = new Map<string, number[]>()
  for (let row = 0; row < count; row++) {
    const owner = backends[(rows[2 * row + 1] ?? 0) - 1]
    if (owner === undefined) continue
    const list = rowsOf.get(owner)
    if (list === undefined) rowsOf.set(owner, [row])
    else list.push(row)
    if (old === undefined || !sameRow(old.pool.rows, rows, row)) continue
    for (const key of ['movedBy', 'movedAt', 'quietSince', 'quietUntil'] as const) state[key][row] = at(old[key], row)
  }
  return { ...state, rowsOf }
}

function sameRow(a: Uint16Array, b: Uint16Array, row: number): boolean {
  return a[2 * row] === b[2 * row] && a[2 * row + 1] === b[2 * row + 1]
}

function at(list: Float64Array, row: number): number {
  return list[row] ?? Number.NaN
}
