import type { Probe } from '../../firewall/index.ts'
import type { Decision, RuleSet } from '../../rules/index.ts'

/** What decided, in the words that the kernel's side uses: a rule id, `default`, or `malformed:<reason>`. */
export function decidedBy(decision: Decision): string {
  if (decision.reason === 'rule') return decision.rule ?? ''
  return decision.reason === 'malformed' ? `malformed:${decision.malformed ?? ''}` : 'default'
}

/** Whether two verdicts on one packet are the same, or differ in a way that both sides foresee. */
export type Agreement = 'same' | 'limited' | 'different'

/**
 * Compares evaluator and kernel. The evaluator knows no rates, so a packet that the kernel drops by a limit which the
 * evaluator saw match is `limited`, not different.
 */
export function compare(decision: Decision, probe: Probe, ruleSet: RuleSet): Agreement {
  if (probe.verdict === decision.verdict && probe.decidedBy === decidedBy(decision)) return 'same'
  const limit = ruleSet.rules.find((rule) => rule.id === probe.decidedBy && rule.action.kind === 'limit')
  return limit !== undefined && probe.verdict === 'drop' && decision.matched.includes(limit.id)
    ? 'limited'
    : 'different'
}

/** `by rule drop-dns`, `as no rule decided`, `as malformed: udp_length`. */
export function why(by: string): string {
  if (by === 'default') return 'as no rule decided'
  return by.startsWith('malformed:') ? `as malformed: ${by.slice('malformed:'.length)}` : `by rule ${by}`
}
