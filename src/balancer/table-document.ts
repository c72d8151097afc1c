import { poolKey, type TableDocument, type TablePool } from './fleet/document.ts'
import type { LiveBalancer } from './live.ts'
import type { BalancerState } from './manifest.ts'
import { type Numbering, namesOf } from './numbering.ts'

/** The tables in force as the fleet tells of them. `tables`: the rows of each pool, if not those in force. */
export function documentOf(
  live: Pick<LiveBalancer, 'manifest' | 'rows' | 'state'>,
  { tables, state = live.state }: { readonly tables?: readonly Uint16Array[]; readonly state?: BalancerState } = {},
): TableDocument {
  const { manifest } = live
  const names = namesOf(manifest.backends)
  return {
    version: state.version,
    conductor: state.conductor ?? manifest.self ?? '',
    pools: manifest.pools.map(({ backends }, pool) => toNames(backends, tables?.[pool] ?? live.rows(pool), names)),
    drained: state.drained,
    dead: state.dead.flatMap((backends, pool) => backends.map((backend) => ({ pool, backend }))),
    factors: state.factors.flatMap((factors, pool) =>
      Object.entries(factors).map(([backend, factor]) => ({ pool, backend, factor })),
    ),
  }
}

/** Rows may have backends that the configuration has no more: those are told, too. */
function toNames(wanted: readonly string[], rows: Uint16Array, names: ReadonlyMap<number, string>): TablePool {
  const used = new Set(rows)
  const former = [...used].flatMap((number) => names.get(number) ?? []).filter((name) => !wanted.includes(name))
  const backends = [...wanted, ...former].sort()
  const place = new Map(backends.map((name, index) => [name, index + 1]))
  const owners = new Map([...used].map((number) => [number, place.get(names.get(number) ?? '') ?? 0]))
  return { backends, rows: rows.map((number) => owners.get(number)!) }
}

/** What of the fleet's tables a machine can follow: pools that it has, and backends that it has numbers for. */
export interface Followed {
  /** Index of a pool, and its rows in this machine's numbers. */
  readonly tables: ReadonlyMap<number, Uint16Array>
  readonly state: BalancerState
}

export function follow(
  { manifest, desired, state }: Pick<LiveBalancer, 'manifest' | 'desired' | 'state'>,
  document: TableDocument,
): Followed {
  const tables = new Map<number, Uint16Array>()
  const dead: (readonly string[])[] = []
  const factors: Readonly<Record<string, number>>[] = []
  for (const [index, { backends }] of manifest.pools.entries()) {
    const place = findPool(document, backends)
    const rows = rowsOf(document.pools[place], manifest.backends, desired.buckets)
    if (rows !== undefined) tables.set(index, rows)
    dead.push(rows === undefined ? (state.dead[index] ?? []) : deadOf(document, place))
    factors.push(rows === undefined ? (state.factors[index] ?? {}) : factorsOf(document, place))
  }
  const { version, conductor } = document
  const drained = document.drained.filter((name) => name in manifest.backends)
  return { tables, state: { version, conductor, drained, dead, factors } }
}

function deadOf({ dead }: TableDocument, pool: number): string[] {
  return dead.filter((one) => one.pool === pool).map(({ backend }) => backend)
}

function factorsOf({ factors }: TableDocument, pool: number): Record<string, number> {
  return Object.fromEntries(factors.filter((one) => one.pool === pool).map(({ backend, factor }) => [backend, factor]))
}

/** The table that the fleet has for a pool of backends, in this machine's numbers. */
export function tableOf(
  document: TableDocument,
  { backends, numbering, buckets }: { backends: readonly string[]; numbering: Numbering; buckets: number },
): Uint16Array | undefined {
  return rowsOf(poolOf(document, backends), numbering, buckets)
}

/** What load multiplies the weights of a pool of backends with, as the fleet has it. */
export function factorsFor(document: TableDocument, backends: readonly string[]): Record<string, number> {
  return factorsOf(document, findPool(document, backends))
}

/** What the fleet has for a pool of backends. */
export function poolOf(document: TableDocument, backends: readonly string[]): TablePool | undefined {
  return document.pools[findPool(document, backends)]
}

/**
 * The pool of these backends, or else of these and such as are leaving, or else of most of them, where others are still to come: not
 * all machines have a changed configuration at the same time.
 */
function findPool({ pools }: TableDocument, backends: readonly string[]): number {
  const exact = pools.findIndex((pool) => poolKey(pool.backends) === poolKey(backends))
  if (exact >= 0) return exact
  const larger = pools.findIndex((pool) => backends.every((name) => pool.backends.includes(name)))
  if (larger >= 0) return larger
  const smaller = pools.filter((pool) => pool.backends.every((name) => backends.includes(name)))
  const largest = smaller.sort((a, b) => b.backends.length - a.backends.length)[0]
  return largest === undefined ? -1 : pools.indexOf(largest)
}

function rowsOf(pool: TablePool | undefined, numbering: Numbering, buckets: number): Uint16Array | undefined {
  return pool === undefined || pool.rows.length !== buckets * 2 ? undefined : toNumbers(pool, numbering)
}

/** A backend without a number here owns nothing: whoever has the row's other owner sends packets there. */
function toNumbers({ backends, rows }: TablePool, numbering: Numbering): Uint16Array {
  const numbers = [0, ...backends.map((name) => numbering[name] ?? 0)]
  return rows.map((place, at) => {
    const number = numbers[place]!
    const isCurrent = at % 2 === 0
    return number === 0 && isCurrent ? numbers[rows[at + 1]!]! : number
  })
}
