import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRule } from '../rules/rule-text.ts'
import { unreachableRules } from './unreachable.ts'

const found = (...texts: string[]) =>
  unreachableRules(texts.map((text, index) => ({ ...parseRule(text), id: 'abcdef'[index]! }))).map(
    ({ rule, after }) => `${rule} after ${after.join()}`,
  )

test('unreachableRules() finds a rule that says what one before it says', () => {
  assert.deepEqual(found('drop if udp.dstport == 53', 'pass if udp.dstport==53'), ['b after a'])
  assert.deepEqual(found('pass if tcp and ip.ttl > 3', 'count if ip.ttl > 3 and tcp'), ['b after a'])
})

test('unreachableRules() finds a rule that asks for more than one before it', () => {
  assert.deepEqual(found('drop if udp', 'drop if udp and ip.src == 192.0.2.1'), ['b after a'])
  assert.deepEqual(found('drop if tcp or udp', 'drop if udp and ip.src == 192.0.2.1'), ['b after a'])
  assert.deepEqual(found('drop if tcp', 'drop if udp', 'sample 1/2 if udp and ip.ttl == 1 or tcp'), ['c after b,a'])
})

test('unreachableRules() finds all rules behind one that matches everything', () => {
  assert.deepEqual(found('pass if true', 'drop if udp', 'count if true'), ['b after a', 'c after a'])
})

test('unreachableRules() keeps quiet about rules that may match', () => {
  assert.deepEqual(found('drop if udp and ip.ttl == 1', 'drop if udp'), [])
  assert.deepEqual(found('drop if udp', 'drop if udp or tcp'), [])
  assert.deepEqual(found('limit 1/s if udp', 'count if udp', 'sample 1/2 if udp', 'drop if udp'), [])
  assert.deepEqual(found('drop if not udp', 'drop if udp'), [])
  assert.deepEqual(found('drop if false', 'drop if udp'), [])
})

test('unreachableRules() does not count on a rule for a while', () => {
  const [first, second] = ['drop if udp', 'count if udp'].map((text) => parseRule(text))
  assert.deepEqual(unreachableRules([{ ...first!, until: 1n }, second!]), [])
})

test('unreachableRules() takes rules by the thousand', () => {
  const rules = Array.from({ length: 5_000 }, (_, i) =>
    parseRule(`drop if udp and ip.src == 10.0.${i >> 8}.${i & 255}`),
  )
  assert.deepEqual(unreachableRules(rules), [])
})
