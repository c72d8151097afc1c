import type { Codec } from '../bpf/index.ts'
import { SeawallError } from '../entry/errors.ts'
import { Binding4, Binding6 } from '../generated/dispatch.ts'

/** As in bpf/dispatch.bpf.c: how far behind the place of its hash a key may stand. */
const PROBES = 64

const SMALLEST = 16
const LARGEST = 1 << 24

const MULTIPLIER = 0x9e3779b97f4a7c15n
const MASK64 = (1n << 64n) - 1n

/** Where a key of IPv6 has port, protocol and length. */
const TAIL6 = 16

/**
 * Lays keys out as the open-addressing hash table that the program reads, as small as keeps every key within its reach.
 *
 * @returns its places one after the other; their number is a power of two
 * @throws SeawallError SEAWALL_FULL
 */
export const layOutTable4 = (entries: readonly Binding4[]): Uint8Array => layOutTable(Binding4, hashKey4, entries)

/** The same for IPv6. */
export const layOutTable6 = (entries: readonly Binding6[]): Uint8Array => layOutTable(Binding6, hashKey6, entries)

type HashKey = (view: DataView, at: number) => number

function layOutTable<T>(codec: Codec<T>, hashKey: HashKey, entries: readonly T[]): Uint8Array {
  const records = new Uint8Array(entries.length * codec.size)
  const view = new DataView(records.buffer)
  for (const [index, entry] of entries.entries()) codec.write(view, index * codec.size, entry)
  const hashes = Uint32Array.from(entries, (_, index) => hashKey(view, index * codec.size))
  for (let places = SMALLEST; places <= LARGEST; places *= 2) {
    if (places < entries.length * 2) continue
    const table = tryLayOut(records, hashes, { places, size: codec.size })
    if (table !== undefined) return table
  }
  throw new SeawallError(
    'SEAWALL_FULL',
    `Cannot lay out ${entries.length} bindings (use prefixes, ranges or any instead of single addresses and ports)`,
  )
}

interface TableShape {
  readonly places: number
  /** Bytes of a place. */
  readonly size: number
}

function tryLayOut(records: Uint8Array, hashes: Uint32Array, { places, size }: TableShape): Uint8Array | undefined {
  const table = new Uint8Array(places * size)
  const taken = new Uint8Array(places)
  for (const [index, hash] of hashes.entries()) {
    let place = hash & (places - 1)
    let probe = 0
    for (; probe < PROBES && taken[place] === 1; probe++) place = (place + 1) & (places - 1)
    if (probe === PROBES) return undefined
    taken[place] = 1
    table.set(records.subarray(index * size, (index + 1) * size), place * size)
  }
  return table
}

/** As find_key4() of bpf/dispatch.bpf.c. */
const hashKey4: HashKey = (view, at) => fold(scramble(view.getBigUint64(at, true)))

/** As hash_key6() there. */
const hashKey6: HashKey = (view, at) => {
  const word = (offset: number) => BigInt(view.getUint32(at + offset, true))
  let hash = scramble(word(0) | (word(TAIL6) << 32n))
  hash = scramble(hash ^ (word(4) | (word(8) << 32n)))
  return fold(scramble(hash ^ word(12)))
}

function scramble(word: bigint): bigint {
  const product = (word * MULTIPLIER) & MASK64
  return product ^ (product >> 32n)
}

const fold = (word: bigint): number => Number(((word >> 32n) ^ (word >> 48n)) & 0xffff_ffffn)
