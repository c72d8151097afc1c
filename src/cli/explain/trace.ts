import type { Dissection } from '../../net/dissect.ts'
import {
  type Decision,
  type EvaluationEnv,
  type Expr,
  evaluate,
  evaluateExpr,
  formatExpr,
  formatSignature,
  type Rule,
  type RuleSet,
  readSyn,
  signatureOf,
} from '../../rules/index.ts'
import { formatRuleBody } from '../../rules/print.ts'
import { fieldText } from './field-text.ts'

/** One part of an expression, and what became of it. */
export interface TermTrace {
  readonly text: string
  readonly result: boolean
  /** What the packet has in the field, null if it does not have the field; of a single comparison only. */
  readonly value?: string | null
  readonly terms?: readonly TermTrace[]
}

export interface RuleTrace {
  readonly id: string
  /** Without the id. */
  readonly text: string
  /** `matched` without deciding: a count, a sample, or a limit that is not exceeded. */
  readonly outcome: 'decided' | 'matched' | 'no match' | 'expired'
  readonly terms: readonly TermTrace[]
}

/** The decision of the evaluator, with what every rule up to it made of the packet. */
export function trace(
  ruleSet: RuleSet,
  packet: Dissection,
  env: EvaluationEnv,
): { decision: Decision; rules: RuleTrace[] } {
  const decision = evaluate(ruleSet, packet, env)
  if (decision.reason === 'malformed') return { decision, rules: [] }
  const last = ruleSet.rules.findIndex((rule) => rule.id === decision.rule)
  const tried = last < 0 ? ruleSet.rules : ruleSet.rules.slice(0, last + 1)
  return { decision, rules: tried.map((rule) => traceRule(rule, packet, env, decision)) }
}

function traceRule(rule: Rule, packet: Dissection, env: EvaluationEnv, decision: Decision): RuleTrace {
  const expired = rule.until !== undefined && env.now !== undefined && env.now > rule.until
  const matched = decision.matched.includes(rule.id)
  const outcome = rule.id === decision.rule ? 'decided' : expired ? 'expired' : matched ? 'matched' : 'no match'
  return { id: rule.id, text: formatRuleBody(rule), outcome, terms: traceTerms(rule.when, packet, env) }
}

/** The terms of the outermost `and` or `or`, or the expression itself. */
function traceTerms(expr: Expr, packet: Dissection, env: EvaluationEnv): TermTrace[] {
  const terms = expr.kind === 'and' || expr.kind === 'or' ? expr.terms : [expr]
  return terms.map((term) => traceTerm(term, packet, env))
}

function traceTerm(expr: Expr, packet: Dissection, env: EvaluationEnv): TermTrace {
  const text = formatExpr(expr)
  const result = evaluateExpr(expr, packet, env)
  switch (expr.kind) {
    case 'compare':
    case 'in':
    case 'contains':
    case 'matches':
      return { text, result, value: fieldText(packet, expr.field) }
    case 'not':
      return { text, result, terms: traceTerms(expr.term, packet, env) }
    case 'p0f': {
      const syn = readSyn(packet)
      return { text, result, value: syn ? formatSignature(signatureOf(syn)) : null }
    }
    case 'connections':
    case 'flag':
    case 'pcap':
    case 'literal':
      return { text, result }
    default:
      return { text, result, terms: traceTerms(expr, packet, env) }
  }
}
