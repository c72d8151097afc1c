import type { Prefix } from '../../net/prefix.ts'
import type { Comparison, Expr, FieldRef, Item, Value } from '../ast.ts'
import { type FieldName, fields } from '../fields.ts'
import { patternParts } from '../signatures/name-pattern.ts'
import { type Constraint, type Dimension, negate, TRUE, values } from './constraint.ts'
import { complement, type Intervals, normalize } from './intervals.ts'
import { type Predicate, predicateKey } from './predicate.ts'

/** A test of one dimension, the leaf of a normalized expression. */
export interface Atom {
  readonly dimension: Dimension
  readonly constraint: Constraint
}

const TCP_FLAG_BITS: Partial<Record<FieldName, number>> = {
  'tcp.flags.fin': 0x01,
  'tcp.flags.syn': 0x02,
  'tcp.flags.reset': 0x04,
  'tcp.flags.push': 0x08,
  'tcp.flags.ack': 0x10,
  'tcp.flags.urg': 0x20,
  'tcp.flags.ece': 0x40,
  'tcp.flags.cwr': 0x80,
}

/** Fields up to this width are classified by value, with any mask folded into the set of values. */
const ENUMERABLE_BITS = 16

const number = (slot: string, bits: number, mask?: number): Dimension => ({
  kind: 'number',
  key: mask === undefined ? slot : `${slot}&${mask}`,
  slot,
  bits,
  ...(mask === undefined ? {} : { mask }),
})

export const predicateAtom = (predicate: Predicate): Atom => ({
  dimension: { kind: 'predicate', key: predicateKey(predicate), predicate },
  constraint: TRUE,
})

/** `tcp.flags.syn` and the like are values of `tcp.flags`; every other boolean is a fact. */
export function flagAtom(field: FieldName): Atom {
  const bit = TCP_FLAG_BITS[field]
  if (bit !== undefined) return maskedAtom('tcp.flags', 8, bit, [[BigInt(bit), BigInt(bit)]])
  return { dimension: { kind: 'fact', key: field, field }, constraint: TRUE }
}

function maskedAtom(slot: string, bits: number, mask: number | undefined, wanted: Intervals): Atom {
  if (mask === undefined) return { dimension: number(slot, bits), constraint: values(clip(wanted, bits)) }
  if (bits > ENUMERABLE_BITS) return { dimension: number(slot, bits, mask), constraint: values(clip(wanted, bits)) }
  const accepted: [bigint, bigint][] = []
  for (let value = 0; value < 1 << bits; value++) {
    const masked = BigInt(value & mask)
    if (wanted.some(([from, to]) => masked >= from && masked <= to)) accepted.push([BigInt(value), BigInt(value)])
  }
  return { dimension: number(slot, bits), constraint: values(normalize(accepted)) }
}

const clip = (intervals: Intervals, bits: number): Intervals => {
  const max = (1n << BigInt(bits)) - 1n
  return intervals.filter(([from]) => from <= max).map(([from, to]) => [from, to > max ? max : to])
}

function comparisonIntervals(op: Comparison, value: bigint, max: bigint): Intervals {
  switch (op) {
    case '==':
      return [[value, value]]
    case '!=':
      return complement([[value, value]], max)
    case '<':
      return value === 0n ? [] : [[0n, value - 1n]]
    case '<=':
      return [[0n, value]]
    case '>':
      return value >= max ? [] : [[value + 1n, max]]
    case '>=':
      return [[value, max]]
  }
}

const prefixRange = (p: Prefix): readonly [bigint, bigint] => {
  const hostBits = BigInt((p.family === 4 ? 32 : 128) - p.length)
  return [p.value, p.value | ((1n << hostBits) - 1n)]
}

/** Addresses within any of the prefixes. */
function addressAtom(field: 'ip.src' | 'ip.dst', prefixes: readonly Prefix[]): Atom {
  const of = (family: 4 | 6): Intervals => normalize(prefixes.filter((p) => p.family === family).map(prefixRange))
  return {
    dimension: { kind: 'address', key: field, field },
    constraint: { values: of(4), values6: of(6), absent: false },
  }
}

/** All that is present but not accepted: the meaning of `!=`. */
const presentButNot = ({ dimension, constraint }: Atom): Atom => ({
  dimension,
  constraint: { ...negate(dimension, constraint), absent: false },
})

const isAddress = (name: FieldName): name is 'ip.src' | 'ip.dst' => name === 'ip.src' || name === 'ip.dst'

/** Where the number lies and how wide it is. */
function numberOf(field: FieldRef): { slot: string; bits: number } {
  const { type } = fields[field.name]
  if (type.kind === 'bytes') {
    const { offset, length } = field.slice!
    return { slot: `${field.name}[${offset}:${length}]`, bits: length * 8 }
  }
  return { slot: field.name, bits: type.kind === 'mac' ? 48 : type.kind === 'number' ? type.bits : 1 }
}

const NUMERIC_SLICE_MAX = 4

/** The number that a value of 1 to 4 bytes is, read big-endian. */
function asNumber(value: Value): bigint | undefined {
  if (value.kind === 'number') return BigInt(value.value)
  if (value.kind !== 'bytes' || value.bytes.length > NUMERIC_SLICE_MAX) return undefined
  return value.bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

export function compareAtom(expr: Extract<Expr, { kind: 'compare' }>): Atom {
  const { field, mask, op, value } = expr
  if (value.kind === 'prefix' && isAddress(field.name)) {
    const atom = addressAtom(field.name, [value.prefix])
    return op === '!=' ? presentButNot(atom) : atom
  }
  if (value.kind === 'name') return predicateAtom({ kind: 'name', name: value.name })
  const wanted = asNumber(value)
  if (wanted === undefined && value.kind === 'bytes')
    return predicateAtom({
      kind: 'bytes',
      field: field.name,
      offset: field.slice!.offset,
      bytes: value.bytes,
      equal: op === '==',
    })
  const { slot, bits } = numberOf(field)
  return maskedAtom(slot, bits, mask, comparisonIntervals(op, wanted!, (1n << BigInt(bits)) - 1n))
}

const isSet = (item: Item): item is Extract<Item, { kind: 'set' }> => item.kind === 'set'

/** The items of a list as tests, any of which suffices. */
export function listAtoms(field: FieldRef, items: readonly Item[]): Atom[] {
  const atoms: Atom[] = []
  if (isAddress(field.name)) {
    const name = field.name
    const prefixes = items.flatMap((item) => (item.kind === 'prefix' ? [item.prefix] : []))
    if (prefixes.length > 0) atoms.push(addressAtom(name, prefixes))
    for (const set of items.filter(isSet)) atoms.push(predicateAtom({ kind: 'set', field: name, name: set.name }))
    return atoms
  }
  const numbers: [bigint, bigint][] = []
  for (const item of items) {
    if (item.kind === 'range') numbers.push([BigInt(item.from), BigInt(item.to)])
    else if (item.kind === 'name') atoms.push(predicateAtom({ kind: 'name', name: item.name }))
    else if (item.kind === 'number' || item.kind === 'bytes') {
      const value = asNumber(item)
      if (value !== undefined) numbers.push([value, value])
      else atoms.push(compareAtom({ kind: 'compare', field, op: '==', value: item }))
    }
  }
  if (numbers.length > 0) {
    const { slot, bits } = numberOf(field)
    atoms.push(maskedAtom(slot, bits, undefined, normalize(numbers)))
  }
  return atoms
}

export function containsAtom(expr: Extract<Expr, { kind: 'contains' }>): Atom {
  const { offset, length } = expr.field.slice ?? { offset: 0, length: 256 }
  return predicateAtom({ kind: 'contains', field: expr.field.name, offset, length, bytes: expr.bytes })
}

/** A pattern without wildcards is a name. */
export function patternAtom(pattern: string): Atom {
  const { open, labels } = patternParts(pattern)
  const plain = !open && labels.every((label) => label !== undefined)
  return predicateAtom(plain ? { kind: 'name', name: pattern } : { kind: 'pattern', pattern })
}

export const pcapAtom = ({ program }: Extract<Expr, { kind: 'pcap' }>): Atom => predicateAtom({ kind: 'pcap', program })

export const questionAtom = predicateAtom({ kind: 'question' })
export const beforeAtom = (until: bigint): Atom => predicateAtom({ kind: 'before', until })
