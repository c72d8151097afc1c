import { randomBytes } from 'node:crypto'
import { countCells } from './cells.ts'
import type { PrefixColumns } from './columns.ts'
import {
  BUCKET_SLOTS,
  GUIDE6_BITS,
  type HashSecret,
  Header,
  LAYOUT_VERSION,
  LENGTH_WORDS,
  NARROW6_BITS,
  type SetGeometry,
  slotBytes,
  type TableGeometry,
  type TableName,
} from './geometry.ts'
import { guideBytes } from './guide.ts'
import { SetMemory } from './memory.ts'
import type { PrefixSet } from './prefix-set.ts'

export interface BuildOptions {
  /** Room for elements to be added in place, of each kind; default a quarter of what there is, at least 1,024. */
  readonly headroom?: number
  /** Bits of the IPv4 guide: 16, 20 or 24 (16 KiB, 256 KiB, 4 MiB). Default by size. */
  readonly guideBits?: 16 | 20 | 24
  /** 40 bytes of secret for the hashes; random if left out. For repeatable tests. */
  readonly secret?: Uint8Array
}

export interface BuiltSet {
  readonly geometry: SetGeometry
  /** Writes the set into its memory: `geometry.bytes` long, 8-byte aligned, not yet read by packets. */
  write(view: Uint8Array): void
}

/** Elements that share a slot's bucket on average when a table is as full as it may be. */
const LOAD = 0.7
const ATTEMPTS = 8
/** Offsets into a map's value that the verifier takes are below 2^29. */
const MOST_BYTES = 2 ** 29 - 64
/** Short IPv6 prefixes touch very many lists; beyond this they share them. */
const CELLS_PER_PREFIX = 8
/** IPv6 lengths that may be added in place to those that the set has. */
const SPARE_LENGTHS = 8
export const SECRET_BYTES = 40

/**
 * Lays out a set for the packet path. The bytecode of a lookup depends on the geometry alone.
 * @throws RangeError if it is too large for one map: beyond about 20 million prefixes
 */
export function buildSet(set: PrefixSet, options: BuildOptions = {}): BuiltSet {
  const counts = countTables(set, options.guideBits ?? chooseGuide(set.columns(4)))
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const secret = readSecret(options.secret ?? randomBytes(SECRET_BYTES), attempt)
    const geometry = layOut(counts, secret, attempt >> 1, options.headroom)
    if (geometry.bytes > MOST_BYTES) throw tooLarge(set.size, geometry.bytes)
    const bytes = new Uint8Array(geometry.bytes)
    if (!new SetMemory(bytes, geometry, false).fill(set)) continue
    return { geometry, write: (view) => view.set(bytes) }
  }
  throw new Error(`Cannot lay out a set of ${set.size} prefixes: its tables ran over ${ATTEMPTS} times`)
}

function tooLarge(size: number, bytes: number): RangeError {
  const mib = (count: number) => Math.ceil(count / 2 ** 20)
  return new RangeError(
    `Cannot lay out a set of ${size} prefixes: it takes ${mib(bytes)} MiB, wanted at most ${mib(MOST_BYTES)} (make several sets of it)`,
  )
}

/** What decides about sizes. */
interface Counts {
  readonly guideBits: number
  readonly tables: Readonly<Record<TableName, number>>
  readonly cells: number
  /** Different IPv6 lengths that the guide does not hold. */
  readonly lengths6: number
}

/** From when on blocks are too coarse: so many prefixes are longer than they, or fewer of more than three lengths. */
const COARSE = [
  { bits: 16, many: 4096, mixed: 256 },
  { bits: 20, many: 32_768, mixed: 2048 },
] as const

/** The smallest guide that spares most addresses the table, and the rest a search for each of many lengths. */
function chooseGuide({ counts }: PrefixColumns): number {
  for (const { bits, many, mixed } of COARSE) {
    const longer = counts.subarray(bits + 1, 33)
    const lengths = longer.filter((count) => count > 0).length
    const total = longer.reduce((sum, count) => sum + count, 0)
    if (total <= (lengths > 3 ? mixed : many)) return bits
  }
  return 24
}

function countTables(set: PrefixSet, guideBits: number): Counts {
  const counts4 = set.columns(4).counts
  const { counts: counts6, values, lengths, size } = set.columns(6)
  const sum = (counts: Uint32Array, from: number, to: number) =>
    counts.subarray(from, to + 1).reduce((total, count) => total + count, 0)
  return {
    guideBits,
    tables: {
      table4: sum(counts4, guideBits + 1, 32),
      narrow6: sum(counts6, GUIDE6_BITS + 1, NARROW6_BITS),
      wide6: sum(counts6, NARROW6_BITS + 1, 128),
    },
    cells: Math.min(countCells(values, lengths, size), CELLS_PER_PREFIX * size),
    lengths6: counts6.subarray(GUIDE6_BITS + 1).filter((count) => count > 0).length,
  }
}

function layOut(counts: Counts, secret: HashSecret, grow: number, headroom: number | undefined): SetGeometry {
  let bytes: number = Header.size
  const place = (size: number) => {
    const offset = bytes
    bytes += Math.ceil(size / 64) * 64
    return offset
  }
  const table = (name: TableName): TableGeometry => {
    const count = counts.tables[name]
    const capacity = count + (headroom ?? Math.max(1024, Math.ceil(count / 4)))
    const logBuckets = Math.min(24, Math.max(5, Math.ceil(Math.log2(capacity / LOAD / BUCKET_SLOTS)) + grow))
    return { offset: place(slotBytes[name] * BUCKET_SLOTS * 2 ** logBuckets), logBuckets, capacity }
  }
  const cellsLog = Math.min(21, Math.max(10, Math.ceil(Math.log2(counts.cells * 2))))
  return {
    version: LAYOUT_VERSION,
    guide4: { offset: place(guideBytes(counts.guideBits)), bits: counts.guideBits },
    table4: table('table4'),
    guide6: { offset: place(guideBytes(GUIDE6_BITS)) },
    cells6: { filter: place(2 ** cellsLog), offset: place(8 * 2 ** cellsLog), log: cellsLog },
    narrow6: table('narrow6'),
    wide6: table('wide6'),
    lengthWords: Math.min(LENGTH_WORDS, Math.ceil((counts.lengths6 + SPARE_LENGTHS) / 8)),
    secret,
    bytes,
  }
}

/** Odd multipliers whose upper bits are not all zero. */
function readSecret(bytes: Uint8Array, attempt: number): HashSecret {
  const view = new DataView(bytes.buffer, bytes.byteOffset, SECRET_BYTES)
  const word = (i: number) => (view.getUint32(i * 4, true) ^ Math.imul(attempt, 0x9e37_79b8)) >>> 0
  const odd = (i: number) => (word(i) | 0x4000_0001) >>> 0
  return {
    short: [odd(0), odd(1)],
    long: [
      [odd(2), word(3)],
      [odd(4), word(5)],
      [odd(6), word(7)],
    ],
  }
}
