/** The shapes that the parser and the builder both make, so that equal rules are equal trees. */
import type { Expr, FieldRef, Value } from './ast.ts'
import type { FieldName } from './fields.ts'

/** Terms joined; terms that are of the same kind are taken apart, a single term stays as it is. */
export function joinTerms(kind: 'and' | 'or', terms: readonly Expr[]): Expr {
  const flat = terms.flatMap((term) => (term.kind === kind ? term.terms : [term]))
  return flat.length === 1 ? flat[0]! : { kind, terms: flat }
}

/** The tree with all `and` in `and` and `or` in `or` flattened: what {@link joinTerms} would have made of it. */
export function canonical(expr: Expr): Expr {
  if (expr.kind === 'and' || expr.kind === 'or') return joinTerms(expr.kind, expr.terms.map(canonical))
  return expr.kind === 'not' ? { kind: 'not', term: canonical(expr.term) } : expr
}

export type Slice = NonNullable<FieldRef['slice']>

export function fieldRef(name: FieldName, slice?: Slice): FieldRef {
  return slice ? { name, slice } : { name }
}

/** A comparison, with a mask if there is one. */
export function compare(
  field: FieldRef,
  op: Extract<Expr, { kind: 'compare' }>['op'],
  value: Value,
  mask?: number,
): Extract<Expr, { kind: 'compare' }> {
  return mask === undefined ? { kind: 'compare', field, op, value } : { kind: 'compare', field, mask, op, value }
}

/** Names that stand for two fields each. */
export const pairs = {
  'udp.port': ['udp.srcport', 'udp.dstport'],
  'tcp.port': ['tcp.srcport', 'tcp.dstport'],
  'ip.addr': ['ip.src', 'ip.dst'],
  'eth.addr': ['eth.src', 'eth.dst'],
} as const satisfies Record<string, readonly [FieldName, FieldName]>

export type PairName = keyof typeof pairs

/**
 * A test of either field of a pair: true if one of them passes it. `!=` wants both to differ and `not in` neither to be in, as in
 * Wireshark, so that each is the opposite of its positive form.
 */
export function eitherOf(pair: PairName, test: (field: FieldName) => Expr): Expr {
  const terms = pairs[pair].map(test)
  if (terms.every((term) => term.kind === 'not'))
    return {
      kind: 'not',
      term: joinTerms(
        'or',
        terms.map(({ term }) => term),
      ),
    }
  const unequal = terms.every((term) => term.kind === 'compare' && term.op === '!=')
  return joinTerms(unequal ? 'and' : 'or', terms)
}
