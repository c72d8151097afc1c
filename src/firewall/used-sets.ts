import type { Expr } from '../rules/ast.ts'

/** Names of the sets that an expression looks into. */
export function usedSets(expr: Expr): string[] {
  if (expr.kind === 'and' || expr.kind === 'or') return expr.terms.flatMap(usedSets)
  if (expr.kind === 'not') return usedSets(expr.term)
  return expr.kind === 'in' ? expr.items.flatMap((item) => (item.kind === 'set' ? [item.name] : [])) : []
}
