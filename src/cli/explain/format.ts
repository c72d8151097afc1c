import type { Session } from '../session.ts'
import { why } from './decided-by.ts'
import type { Explanation } from './explain.ts'
import { formatSocket } from './socket.ts'
import type { RuleTrace, TermTrace } from './trace.ts'

/** Rules that did not match are shown too if there are at most so many. */
const FEW = 8

/** Longest text of a term in the column before its value. */
const WIDEST = 48

/** One explanation as text: the packet, the verdict, why, and what the kernel says. */
export function formatExplanation(session: Session, explanation: Explanation, all: boolean): string {
  const { bold, dim, red, green } = session.colors
  const { evaluator, kernel } = explanation
  const verdict = (text: string) => bold(text === 'drop' ? red(text) : green(text))
  const lines = [
    `${dim('packet')}   ${explanation.summary}`,
    `${dim('verdict')}  ${verdict(evaluator.verdict)}, ${why(evaluator.decidedBy)}`,
    ...whyLines(session, explanation, all),
  ]
  if (kernel !== null) {
    const same = { same: green('the same'), limited: 'over the limit by now', different: bold(red('DIFFERENT')) }
    lines.push(
      `${dim('kernel')}   ${verdict(kernel.verdict)}, ${why(kernel.decidedBy)}: ${same[explanation.agreement!]}`,
    )
  }
  if (explanation.socket !== undefined) lines.push(`${dim('socket')}   ${formatSocket(session, explanation.socket)}`)
  return `${lines.join('\n')}\n`
}

function whyLines(session: Session, { rules }: Explanation, all: boolean): string[] {
  const shown = all || rules.length <= FEW ? rules : rules.filter((rule) => rule.outcome !== 'no match')
  const hidden = rules.length - shown.length
  const lines = shown.flatMap((rule) => ruleLines(session, rule))
  if (hidden > 0) lines.push(session.colors.dim(`  … and ${hidden} more that did not match (--all shows them)`))
  return lines.length === 0 ? [] : [session.colors.dim('why'), ...lines]
}

function ruleLines({ colors }: Session, rule: RuleTrace): string[] {
  const mark = {
    decided: colors.bold('=>'),
    matched: colors.green('+ '),
    'no match': colors.dim('- '),
    expired: colors.dim('x '),
  }
  const state =
    rule.outcome === 'matched'
      ? colors.dim('  (matches, does not decide)')
      : rule.outcome === 'expired'
        ? colors.dim('  (expired)')
        : ''
  return [
    `  ${mark[rule.outcome]} ${rule.id}: ${rule.text}${state}`,
    ...rule.terms.flatMap((term) => termLines(colors, term, 3)),
  ]
}

function termLines(colors: Session['colors'], term: TermTrace, depth: number): string[] {
  const indent = '  '.repeat(depth)
  const result = term.result ? colors.green('true ') : colors.yellow('false')
  const value = term.value === undefined ? '' : `  ${colors.dim(has(term.value))}`
  const line = `${indent}${result}  ${term.text.padEnd(value === '' ? 0 : WIDEST)}${value}`
  return [line, ...(term.terms ?? []).flatMap((inner) => termLines(colors, inner, depth + 1))]
}

function has(value: string | null): string {
  return value === null ? 'packet does not have it' : `packet has ${value}`
}
