import type { Expr } from '../../rules/ast.ts'
import type { FieldName } from '../../rules/fields.ts'
import { joinTerms } from '../../rules/make.ts'
import type { Family } from './family.ts'

/** Fields that no packet of the family has. */
const absent = {
  4: /^(arp|icmpv6|ipv6)(\.|$)/,
  6: /^(arp|icmp|ipv4|ip\.(hdr_len|id|flags|options|checksum))(\.|$)/,
} as const

/** Flags that every packet of the family has. */
const always = { 4: ['ip', 'ipv4'], 6: ['ip', 'ipv6'] } as const

const literal = (value: boolean): Expr => ({ kind: 'literal', value })

/** What is left to ask of an expression when every packet is of one family, without parts that are always or never true. */
export function ofFamily(expr: Expr, family: Family): Expr {
  switch (expr.kind) {
    case 'and':
    case 'or':
      return join(
        expr.kind,
        expr.terms.map((term) => ofFamily(term, family)),
      )
    case 'not':
      return negate(ofFamily(expr.term, family))
    case 'flag':
      if ((always[family] as readonly FieldName[]).includes(expr.field)) return literal(true)
      return isAbsent(expr.field, family) ? literal(false) : expr
    case 'compare':
      if (isAbsent(expr.field.name, family)) return literal(false)
      if (expr.value.kind === 'prefix' && expr.value.prefix.family !== family) return literal(expr.op === '!=')
      return expr
    case 'in': {
      if (isAbsent(expr.field.name, family)) return literal(false)
      const items = expr.items.filter((item) => item.kind !== 'prefix' || item.prefix.family === family)
      return items.length === 0 ? literal(false) : { ...expr, items }
    }
    default:
      return expr
  }
}

const isAbsent = (field: FieldName, family: Family): boolean => absent[family].test(field)

/** True decides an `or`, false an `and`; the other one does not count. */
function join(kind: 'and' | 'or', terms: readonly Expr[]): Expr {
  const deciding = kind === 'or'
  if (terms.some((term) => term.kind === 'literal' && term.value === deciding)) return literal(deciding)
  const open = terms.filter((term) => term.kind !== 'literal')
  return open.length === 0 ? literal(!deciding) : joinTerms(kind, open)
}

function negate(term: Expr): Expr {
  return term.kind === 'literal' ? literal(!term.value) : { kind: 'not', term }
}
