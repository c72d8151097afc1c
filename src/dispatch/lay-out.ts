import {
  type Choice,
  type Key4,
  type Key6,
  Missing,
  type Range,
  Range as RangeCodec,
  type Shape,
} from '../generated/dispatch.ts'
import { addressBits } from '../net/address.ts'
import { formatPrefix, type Prefix } from '../net/prefix.ts'
import type { Match } from './binding.ts'
import { isAny, isSingle } from './ports.ts'
import { layOutTable4, layOutTable6 } from './table.ts'

/** A binding, and where it leads in the kernel's maps. */
export interface PlacedBinding extends Match {
  readonly choice: Choice
}

/** What goes into the maps and constants of the program. */
export interface Layout {
  /** The maps `bindings4` and `bindings6`: a power of two of places. */
  readonly table4: Uint8Array
  readonly table6: Uint8Array
  /** The map `ranges`, at least one element. */
  readonly ranges: Uint8Array
  readonly shapes4: readonly Shape[]
  readonly shapes6: readonly Shape[]
}

/** As in bpf/dispatch.bpf.c. */
const NOWHERE: Choice = { counter: 0, destination: 0xffff, missing: Missing.Drop, steering: 0 }
const RANGES = 0xfffe
const OTHER_PORTS = 0
const SHAPES = { 4: 66, 6: 258 } as const

const PROTOCOLS = { tcp: 6, udp: 17 } as const

const NO_SHAPE: Shape = { mask: [0, 0, 0, 0], length: 0, hasPort: 0 }

/** What a prefix has beside single ports. */
interface Other {
  readonly match: Match
  any?: PlacedBinding
  readonly ranges: PlacedBinding[]
}

/**
 * Bindings as the program looks them up; they have no conflicts.
 *
 * @throws SeawallError SEAWALL_FULL
 */
export function layOut(bindings: readonly PlacedBinding[]): Layout {
  const single = bindings.filter(({ ports }) => isSingle(ports))
  const others = gatherOthers(bindings.filter(({ ports }) => !isSingle(ports)))
  const ranges: Range[] = []
  const entries = [
    ...single.map((one): Entry => ({ match: one, port: one.ports.from, choice: one.choice })),
    ...others.map((other): Entry => ({ match: other.match, port: OTHER_PORTS, choice: choiceOf(ranges, other) })),
  ]
  const of = (family: 4 | 6) => entries.filter(({ match }) => match.prefix.family === family)
  return {
    table4: layOutTable4(of(4).map(({ choice, ...entry }) => ({ key: key4(entry), choice }))),
    table6: layOutTable6(of(6).map(({ choice, ...entry }) => ({ key: key6(entry), choice, zero: 0 }))),
    ranges: encodeRanges(ranges),
    shapes4: shapesOf(4, single, others),
    shapes6: shapesOf(6, single, others),
  }
}

/** What is looked up, and where it leads. */
interface Entry {
  readonly match: Match
  readonly port: number
  readonly choice: Choice
}

/** The shapes of a family as the constant of the program, which has a fixed length. */
export function fillShapes(family: 4 | 6, shapes: readonly Shape[]): Shape[] {
  return Array.from({ length: SHAPES[family] }, (_, index) => shapes[index] ?? NO_SHAPE)
}

/** The 16 bytes of an address, masked, as four words in network byte order. */
export function wordsOf({ family, value }: Pick<Prefix, 'family' | 'value'>): number[] {
  if (family === 4) return [Number(value), 0, 0, 0]
  return [96n, 64n, 32n, 0n].map((shift) => Number((value >> shift) & 0xffff_ffffn))
}

function key4({ match: { protocol, prefix }, port }: Omit<Entry, 'choice'>): Key4 {
  return { address: Number(prefix.value), port, protocol: PROTOCOLS[protocol], length: prefix.length }
}

function key6({ match: { protocol, prefix }, port }: Omit<Entry, 'choice'>): Key6 {
  return { address: wordsOf(prefix), port, protocol: PROTOCOLS[protocol], length: prefix.length }
}

/** Where a prefix leads beside its single ports. Adds its ranges in ascending order behind a head that has their number and all other ports. */
function choiceOf(ranges: Range[], { any, ranges: own }: Other): Choice {
  const others = any?.choice ?? NOWHERE
  if (own.length === 0) return others
  const head = ranges.push({ from: 0, to: 0, count: own.length, choice: others }) - 1
  const sorted = own.toSorted((a, b) => a.ports.from - b.ports.from)
  ranges.push(...sorted.map(({ ports, choice }) => ({ from: ports.from, to: ports.to, count: 0, choice })))
  return { ...NOWHERE, destination: RANGES, counter: head }
}

function gatherOthers(bindings: readonly PlacedBinding[]): Other[] {
  const others = new Map<string, Other>()
  for (const binding of bindings) {
    const key = `${binding.protocol} ${formatPrefix(binding.prefix)}`
    const other = others.get(key) ?? { match: binding, ranges: [] }
    if (isAny(binding.ports)) other.any = binding
    else other.ranges.push(binding)
    others.set(key, other)
  }
  return [...others.values()]
}

function encodeRanges(ranges: readonly Range[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(Math.max(1, ranges.length) * RangeCodec.size))
  for (const [index, range] of ranges.entries()) RangeCodec.write(view, index * RangeCodec.size, range)
  return new Uint8Array(view.buffer)
}

/** The most specific first: the longest prefix, in it single ports. */
function shapesOf(family: 4 | 6, single: readonly PlacedBinding[], others: readonly Other[]): Shape[] {
  const lengths = (prefixes: readonly Prefix[], hasPort: number) =>
    [...new Set(prefixes.filter((prefix) => prefix.family === family).map(({ length }) => length))].map((length) => ({
      mask: wordsOf({ family, value: maskOf(family, length) }),
      length,
      hasPort,
    }))
  const shapes = [
    ...lengths(
      single.map(({ prefix }) => prefix),
      1,
    ),
    ...lengths(
      others.map(({ match }) => match.prefix),
      0,
    ),
  ]
  return shapes.sort((a, b) => b.length - a.length || b.hasPort - a.hasPort)
}

function maskOf(family: 4 | 6, length: number): bigint {
  const bits = BigInt(addressBits[family])
  return ((1n << bits) - 1n) ^ ((1n << (bits - BigInt(length))) - 1n)
}
