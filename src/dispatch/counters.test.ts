import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMatch } from './binding.ts'
import { assignCounters } from './counters.ts'
import type { ActiveBinding } from './desired.ts'
import { defaultPolicy } from './policy.ts'

const binding = (label: string, port: number): ActiveBinding => {
  return { ...parseMatch(`tcp 192.0.2.0/24 ${port}`), label, ...defaultPolicy, dynamic: true }
}

test('assignCounters() has bindings go on to count where they did, and others where nobody counts', () => {
  const first = assignCounters([binding('a', 1), binding('a', 2), binding('a', 3)], undefined)
  assert.deepEqual([first.bindings.map(({ counter }) => counter), first.used, first.stale], [[0, 1, 2], 3, []])
  const before = { bindings: [first.bindings[0]!, first.bindings[2]!], counters: first.used }
  const second = assignCounters([binding('a', 3), binding('a', 4), binding('a', 5)], before)
  assert.deepEqual(
    second.bindings.map(({ counter }) => counter),
    [2, 1, 3],
  )
  assert.deepEqual([second.used, second.stale], [4, [1]])
})

test('assignCounters() counts a binding anew that has another label', () => {
  const first = assignCounters([binding('a', 1)], undefined)
  const second = assignCounters([binding('b', 1)], { bindings: first.bindings, counters: first.used })
  assert.equal(second.bindings[0]!.counter, 1)
})

test('assignCounters() wants room in powers of two', () => {
  const many = Array.from({ length: 3_000 }, (_, index) => binding('a', index + 1))
  assert.deepEqual([assignCounters([], undefined).capacity, assignCounters(many, undefined).capacity], [1_024, 4_096])
})
