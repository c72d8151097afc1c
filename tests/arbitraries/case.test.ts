import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dissect, malformedReasons } from '../../src/net/dissect.ts'
import { checkRuleSet } from '../../src/rules/check-rule.ts'
import { evaluate } from '../../src/rules/evaluate.ts'
import { parseExpr } from '../../src/rules/parser.ts'
import { formatExpr, formatRule } from '../../src/rules/print.ts'
import { parseRule } from '../../src/rules/rule-text.ts'
import { randomCase, setsOf } from './case.ts'
import { fieldNames } from './rule.ts'

const seeds = Array.from({ length: 300 }, (_, index) => 1000 + index)

test('randomCase() gives the same case for the same seed', () => {
  assert.deepEqual(randomCase(7), randomCase(7))
})

test('randomCase() gives rule sets that pass the checks', () => {
  for (const seed of seeds) {
    const { ruleSet, sets } = randomCase(seed)
    checkRuleSet(ruleSet, { sets: sets.keys() })
  }
})

test('formatExpr() and formatRule() give text that is read back as the same tree', () => {
  for (const seed of seeds) {
    for (const rule of randomCase(seed, { packets: 24 }).ruleSet.rules) {
      assert.deepEqual(parseExpr(formatExpr(rule.when)), rule.when, `seed ${seed}: ${formatExpr(rule.when)}`)
      assert.deepEqual(parseRule(formatRule(rule)), rule, `seed ${seed}: ${formatRule(rule)}`)
    }
  }
})

test('randomCase() makes packets of every kind and rules that decide', () => {
  const seen = new Map<string, number>()
  const count = (key: string): unknown => seen.set(key, (seen.get(key) ?? 0) + 1)
  for (const seed of seeds) {
    const { ruleSet, packets, sets } = randomCase(seed, { minLength: 0 })
    const env = { sets: setsOf(sets) }
    for (const rule of ruleSet.rules) for (const name of namesIn(rule.when)) count(name)
    for (const packet of packets) {
      const decision = evaluate(ruleSet, packet, env)
      count(decision.reason)
      count(String(decision.malformed))
      count(String(dissect(packet).upper))
    }
  }
  for (const key of [...malformedReasons, ...fieldNames, 'tcp', 'udp', 'icmp', 'icmpv6']) assert.ok(seen.has(key), key)
  const share = (key: string): number => seen.get(key)! / (seeds.length * 64)
  assert.ok(share('rule') > 0.25, `rules decide ${share('rule')} of the packets`)
  assert.ok(share('default') > 0.1, `the default decides ${share('default')} of the packets`)
})

function namesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? [value] : []
  return Object.values(value).flatMap(namesIn)
}
