import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Rule } from '../ast.ts'
import { parseRule } from '../rule-text.ts'
import { compile, compileCopies } from './index.ts'

const env = {
  sets: new Map(),
  counterSlot: () => 32,
  clock: { hz: 1000, jiffiesAtZero: 0n },
  secret: 1n,
}

const capture = (id: string, text: string): Rule => ({
  ...parseRule(text),
  id,
  capture: { snaplen: 1_000, ringBytes: 4_096 },
})
const symbols = (rules: readonly Rule[]) => compile({ rules, malformed: 'drop' }, env).maps.map((need) => need.symbol)

test('compile() gives every capture a ring and a lease of its own, and leaves the common ring to rules that sample', () => {
  const found = symbols([capture('a', 'sample 1/1 if udp'), capture('b', 'sample 1/1 if tcp')])
  for (const wanted of ['ring:a', 'lease:a', 'ring:b', 'lease:b']) assert.ok(found.includes(wanted), wanted)
  assert.ok(!found.includes('samples'))
  assert.ok(symbols([capture('a', 'sample 1/1 if udp'), parseRule('sample 1/2 if ip')]).includes('samples'))
})

test('compileCopies() needs what captures and samples need, and is not there without them', () => {
  const rules = [capture('a', 'sample 1/1 if udp'), parseRule('sample 1/2 if ip')]
  const copies = compileCopies({ rules, malformed: 'drop' }, env, 2)
  const found = copies?.maps.map((need) => need.symbol).sort()
  assert.deepEqual(found, ['counters', 'handovers', 'lease:a', 'ring:a', 'samples', 'stages'])
  const behind = compile({ rules, malformed: 'drop' }, { ...env, next: 0, handsOver: true }).maps.map(
    (need) => need.symbol,
  )
  for (const wanted of found ?? []) assert.ok(behind.includes(wanted), wanted)
  assert.equal(compileCopies({ rules: [parseRule('drop if udp')], malformed: 'drop' }, env, 2), undefined)
})

test('compile() refuses more captures than a program has room for', () => {
  const some = (count: number) => Array.from({ length: count }, (_, i) => capture(`c${i}`, 'sample 1/1 if udp'))
  assert.ok(symbols(some(16)).length > 32)
  assert.throws(() => symbols(some(17)), { code: 'too_many_captures', message: /17 captures, wanted at most 16/ })
})
