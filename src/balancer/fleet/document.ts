import { createHash } from 'node:crypto'
import * as z from 'zod'
import { refuse, strict } from '../../entry/schema.ts'
import { encodeNumbers, MAX_BACKENDS, name, numbers, sortedNames, version } from './fields.ts'
import { readJson } from './read.ts'

/** Most rows of a pool, and most pools. */
const MAX_ROWS = 1 << 20
const MAX_POOLS = 1_023

/** The bucket table of the services that share these backends. */
export interface TablePool {
  /** Names, sorted. They are what the pool is known by: machines may number pools differently. */
  readonly backends: readonly string[]
  /** `{current, previous}` of each row, one after the other: 1 + index in `backends`, 0 for nobody. */
  readonly rows: Uint16Array
}

/** The state that machines of a fleet agree on. It is never changed, but replaced by one of a higher version. */
export interface TableDocument {
  /** Grows with every change, whoever makes it. */
  readonly version: number
  /** Name of the machine that made it. */
  readonly conductor: string
  readonly pools: readonly TablePool[]
  /** Names of the backends that an operator has drained, sorted. */
  readonly drained: readonly string[]
  /** Backends whose checks fail, by index of the pool and then by name. */
  readonly dead: readonly PoolBackend[]
  /** What load multiplies weights with, in the same order; 1 of what is not there. */
  readonly factors: readonly Factor[]
}

/** A backend in a pool, by the pool's index. */
export interface PoolBackend {
  readonly pool: number
  readonly backend: string
}

export interface Factor extends PoolBackend {
  readonly factor: number
}

/** Says which document it is, and which of two is newer. Two documents of one stamp are the same. */
export interface Stamp {
  readonly version: number
  readonly conductor: string
  /** 32 hexadecimal digits: the first half of the SHA-256 of its text. */
  readonly digest: string
}

const pool = strict({ backends: sortedNames, rows: numbers(Uint16Array, 2 * MAX_ROWS) }).superRefine(
  ({ backends, rows }, context) => {
    if (backends.length === 0) refuse(context, ['backends'], 'at least one name')
    if (rows.length < 2 || !Number.isInteger(Math.log2(rows.length)))
      refuse(context, ['rows'], 'rows of 4 bytes, a power of two of them')
    const at = rows.findIndex((owner) => owner > backends.length)
    if (at >= 0)
      refuse(context, ['rows'], `owners up to ${backends.length} (row ${at >> 1} has ${rows[at]}, but there is none)`)
  },
)

const poolBackend = { pool: z.number({ error: 'the index of a pool' }).int('the index of a pool'), backend: name }
const factor = z.number({ error: 'a number' }).positive('a number above 0')

const listOf = <T extends z.ZodType>(entry: T) =>
  z.array(entry, { error: 'a list of pool and backend' }).max(MAX_BACKENDS, `at most ${MAX_BACKENDS} entries`)

const document = strict({
  version,
  conductor: name,
  pools: z.array(pool, { error: 'a list of pools' }).max(MAX_POOLS, `at most ${MAX_POOLS} pools`),
  drained: sortedNames,
  dead: listOf(strict(poolBackend)),
  factors: listOf(strict({ ...poolBackend, factor })),
}).superRefine(({ pools, dead, factors }, context) => {
  const keys = pools.map(({ backends }) => poolKey(backends))
  const twin = keys.findIndex((key, index) => keys.indexOf(key) < index)
  if (twin >= 0) refuse(context, ['pools', twin, 'backends'], 'backends that no other pool has')
  const odd = pools.findIndex(({ rows }) => rows.length !== pools[0]?.rows.length)
  if (odd >= 0) refuse(context, ['pools', odd, 'rows'], `as many rows as the first pool has`)
  for (const [key, list] of Object.entries({ dead, factors })) {
    const unknown = list.findIndex(({ pool, backend }) => pools[pool]?.backends.includes(backend) !== true)
    if (unknown >= 0) refuse(context, [key, unknown], 'a backend of that pool')
    const mixed = list.findIndex((one, index) => index > 0 && byPoolAndName(list[index - 1] ?? one, one) >= 0)
    if (mixed >= 0) refuse(context, [key, mixed], 'an entry behind the one before it, by pool and name')
  }
})

/** What a pool is known by: 32 hexadecimal digits. */
export function poolKey(backends: readonly string[]): string {
  return digestOf(backends.join(' '))
}

/** As JSON; equal documents have equal texts. Order in `drained`, `dead` and `factors` is of no account. */
export function encodeDocument({ version, conductor, pools, drained, dead, factors }: TableDocument): string {
  return JSON.stringify({
    version,
    conductor,
    pools: pools.map(({ backends, rows }) => ({ backends, rows: encodeNumbers(rows) })),
    drained: [...drained].sort(),
    dead: [...dead].sort(byPoolAndName).map(({ pool, backend }) => ({ pool, backend })),
    factors: [...factors].sort(byPoolAndName).map(({ pool, backend, factor }) => ({ pool, backend, factor })),
  })
}

/**
 * Reads what {@link encodeDocument} wrote.
 *
 * @throws FleetError FLEET_MESSAGE for anything else: the field, what was found, and what was wanted.
 */
export function decodeDocument(text: string): TableDocument {
  return readJson('the table', text, document)
}

const stamps = new WeakMap<TableDocument, Stamp>()

export function stampOf(document: TableDocument): Stamp {
  const known = stamps.get(document)
  if (known !== undefined) return known
  const { version, conductor } = document
  const stamp = { version, conductor, digest: digestOf(encodeDocument(document)) }
  stamps.set(document, stamp)
  return stamp
}

/**
 * Above 0 if `a` is newer. The higher version is; of two that conductors made at once, which can only be when they could not talk to
 * each other, that of the name further back in the alphabet. Every machine says the same of any two documents.
 */
export function compareStamps(a: Stamp | undefined, b: Stamp | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined)
  return a.version - b.version || compareText(a.conductor, b.conductor) || compareText(a.digest, b.digest)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function byPoolAndName(a: PoolBackend, b: PoolBackend): number {
  return a.pool - b.pool || compareText(a.backend, b.backend)
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
