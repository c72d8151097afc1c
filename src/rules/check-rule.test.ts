import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Action, Expr, Rule } from './ast.ts'
import { checkExpr } from './check.ts'
import { checkRuleSet, ruleSetProblems } from './check-rule.ts'
import { parseRules } from './rule-text.ts'

const rule = (id: string, when: Expr = { kind: 'literal', value: true }, action: Action = { kind: 'drop' }): Rule => ({
  id,
  action,
  when,
})

test('checkRuleSet() takes what the parser gives', () => {
  checkRuleSet({ rules: parseRules('drop if ip.src in $bogons\nlimit 1/h per ip.src if udp') }, { sets: ['bogons'] })
})

test('checkRuleSet() names the rule', () => {
  const rules = parseRules('a: drop if udp\nb: drop if ip.src in $bogns')
  assert.throws(() => checkRuleSet({ rules }, { sets: ['bogons'] }), {
    name: 'RuleTypeError',
    code: 'RULE_UNKNOWN_SET',
    message: 'Rule "b": Unknown set "$bogns" (did you mean $bogons?)',
  })
})

test('ruleSetProblems() finds one problem a rule', () => {
  const rules = [
    rule('a'),
    rule('a'),
    rule('b c'),
    rule('c', undefined, { kind: 'sample', every: 0.5 }),
    rule('d', undefined, { kind: 'limit', rate: 1 / 7, burst: 1, per: { kind: 'rule' } }),
    rule('e', { kind: 'and', terms: [] }),
  ]
  const problems = ruleSetProblems({ rules }).map(({ index, error }) => `${index} ${error.code} ${error.summary}`)
  assert.deepEqual(
    problems.map((problem) => problem.split(' ', 2).join(' ')),
    ['1 RULE_DUPLICATE_ID', '2 RULE_TYPE', '3 RULE_LIMIT', '4 RULE_LIMIT', '5 RULE_TYPE'],
  )
})

test('checkExpr() refuses trees that the text cannot make', () => {
  const port = { name: 'udp.dstport' } as const
  const wrong: readonly (readonly [Expr, RegExp])[] = [
    [{ kind: 'flag', field: 'udp.dstport' }, /Cannot use "udp.dstport" by itself/],
    [{ kind: 'compare', field: port, op: '==', value: { kind: 'number', value: 1.5 } }, /1.5 does not fit/],
    [{ kind: 'compare', field: port, op: '==', value: { kind: 'number', value: -1 } }, /-1 does not fit/],
    [{ kind: 'compare', field: port, op: '==', value: { kind: 'name', name: 'a' } }, /with a name: it takes a number/],
    [
      { kind: 'compare', field: { name: 'dns.qry.name' }, op: '==', value: { kind: 'name', name: 'A.' } },
      /not in lower case/,
    ],
    [
      { kind: 'compare', field: { name: 'nope' as 'udp' }, op: '==', value: { kind: 'number', value: 1 } },
      /Unknown field/,
    ],
    [
      {
        kind: 'compare',
        field: { name: 'ip.src' },
        op: '==',
        value: { kind: 'prefix', prefix: { family: 4, value: 1n, length: 8 } },
      },
      /host bits set \(write 0.0.0.0\/8\)/,
    ],
  ]
  for (const [expr, message] of wrong) assert.throws(() => checkExpr(expr), { name: 'RuleTypeError', message })
})
