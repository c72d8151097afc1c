import type { FieldName } from '../fields.ts'
import { complement, type Intervals, intersect, union } from './intervals.ts'
import type { Predicate } from './predicate.ts'

/**
 * One thing of a packet that rules ask about. Rows of all rules are classified along the same dimensions, so the cost
 * of a packet follows their number and not the number of rules.
 */
export type Dimension =
  /** A number on the stack, `field` or `field[offset:length]`; `mask` only for fields wider than 16 bits. */
  | {
      readonly kind: 'number'
      readonly key: string
      readonly slot: string
      readonly bits: number
      readonly mask?: number
    }
  | { readonly kind: 'address'; readonly key: string; readonly field: 'ip.src' | 'ip.dst' }
  /** One bit that parsing leaves in the word of facts. */
  | { readonly kind: 'fact'; readonly key: string; readonly field: FieldName }
  /** What only code can tell: membership of a set, bytes in a payload. */
  | { readonly kind: 'predicate'; readonly key: string; readonly predicate: Predicate }

/** The values of one dimension that a row accepts. Facts and predicates use 0 and 1; `absent`: also a packet without the field. */
export interface Constraint {
  readonly values: Intervals
  /** IPv6 addresses, in the `address` dimension only. */
  readonly values6: Intervals
  readonly absent: boolean
}

const ALL_IPV6 = (1n << 128n) - 1n

/** The greatest value of a dimension (of IPv4 for addresses). */
export function maximum(dimension: Dimension): bigint {
  switch (dimension.kind) {
    case 'number':
      return (1n << BigInt(dimension.bits)) - 1n
    case 'address':
      return 0xffff_ffffn
    default:
      return 1n
  }
}

export const values = (values: Intervals): Constraint => ({ values, values6: [], absent: false })
export const TRUE: Constraint = values([[1n, 1n]])

export function negate(dimension: Dimension, c: Constraint): Constraint {
  return {
    values: complement(c.values, maximum(dimension)),
    values6: dimension.kind === 'address' ? complement(c.values6, ALL_IPV6) : [],
    absent: !c.absent,
  }
}

export const both = (a: Constraint, b: Constraint): Constraint => ({
  values: intersect(a.values, b.values),
  values6: intersect(a.values6, b.values6),
  absent: a.absent && b.absent,
})

export const either = (a: Constraint, b: Constraint): Constraint => ({
  values: union(a.values, b.values),
  values6: union(a.values6, b.values6),
  absent: a.absent || b.absent,
})

export const isEmpty = (c: Constraint): boolean => c.values.length === 0 && c.values6.length === 0 && !c.absent
