import type { Rule } from '../rules/ast.ts'
import { formatRuleBody } from '../rules/print.ts'
import { derivedId } from '../rules/rule-defaults.ts'

/**
 * Name for a rule that was given none: made from what it says, so that it stays when the rule moves. The second rule that says
 * the same gets a number.
 */
export function stableId(rule: Pick<Rule, 'action' | 'when'>, taken: { has(id: string): boolean }): string {
  const id = derivedId(rule.action.kind, formatRuleBody(rule))
  if (!taken.has(id)) return id
  let number = 2
  while (taken.has(`${id}-${number}`)) number += 1
  return `${id}-${number}`
}
