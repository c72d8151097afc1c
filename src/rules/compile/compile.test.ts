import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuleSet } from '../ast.ts'
import { FIRST_RULE_SLOT } from '../counters.ts'
import { parseRule } from '../index.ts'
import { type Compiled, type CompileEnv, compile } from './index.ts'

const env: CompileEnv = {
  sets: new Map(),
  counterSlot: () => FIRST_RULE_SLOT,
  clock: { hz: 250, jiffiesAtZero: 0n },
  secret: 1n,
}

const compileTexts = (...texts: string[]): Compiled => {
  const rules = texts.map((text, i) => ({ ...parseRule(text), id: `r${i}` }))
  const ruleSet: RuleSet = { rules, malformed: 'drop' }
  return compile(ruleSet, env)
}

const many = (count: number, text: (i: number) => string): string[] => Array.from({ length: count }, (_, i) => text(i))

test('compile names the maps that a program needs, and no others', () => {
  const symbols = (...texts: string[]) => compileTexts(...texts).maps.map(({ symbol }) => symbol)
  assert.deepEqual(symbols(), ['counters'])
  assert.deepEqual(symbols('drop if udp').sort(), ['counters', 'tables'])
  assert.ok(symbols('limit 5/s if udp').includes('clocks'))
  assert.ok(symbols('limit 5/s per ip.src if udp').includes('cells:r0'))
  assert.ok(symbols('sample 1/100 if udp').includes('samples'))
})

test('compile makes the same bytes of the same rules', () => {
  const bytes = () => Buffer.from(compileTexts('drop if udp.dstport == 53', 'count if tcp').assemble(() => 3))
  assert.deepEqual(bytes(), bytes())
})

test('compile adds tables, not instructions, for more rules of one shape', () => {
  const rules = (count: number) =>
    compileTexts(...many(count, (i) => `drop if ip.src == 192.0.${i >> 8}.${i & 255} and udp.dstport == ${i + 1}`))
  assert.equal(rules(200).slots.length, rules(1000).slots.length)
})

test('compile reads only the fields that rules ask about', () => {
  assert.ok(compileTexts('drop if udp').slots.length < compileTexts('drop if tcp.options.mss < 500').slots.length)
})

test('compile leaves out rules that can never match', () => {
  const nothing = compileTexts('drop if udp.dstport == 53 and udp.dstport == 54', 'drop if false')
  assert.equal(nothing.slots.length, compileTexts().slots.length)
})

test('compile refuses a set that is not defined', () => {
  assert.throws(() => compileTexts('drop if ip.src in $missing'), { code: 'unknown_set', message: /"\$missing"/ })
})

test('compile refuses a rule that expands too far, and names it', () => {
  const either = (field: string, count: number) =>
    `(${many(count, (i) => `${field} == ${i} and ip.ttl == ${i}`).join(' or ')})`
  const text = `drop if ${either('ip.dscp', 30)} and ${either('udp.dstport', 30)} and not ${either('ip.id', 30)}`
  assert.throws(() => compileTexts(text), { code: 'rule_too_complex', message: /"r0".*split/ })
})

test('compile refuses more alternatives than a program can hold', () => {
  const texts = many(4097, (i) => `drop if ip.src == 192.0.${i >> 8}.${i & 255} and udp.dstport == ${i + 1}`)
  assert.throws(() => compileTexts(...texts), { code: 'too_many_rows', message: /4097 alternatives, at most 4096/ })
})
