import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deadOf } from './dead.ts'

const pool = { backends: ['a', 'b', 'c'], services: ['web', 'dns'] }
const even = new Map([
  ['a', 1],
  ['b', 1],
  ['c', 1],
])

const dead = (down: readonly string[], weights = even) =>
  deadOf(pool, weights, (service, backend) => down.includes(`${service} ${backend}`))

test('deadOf() names who fails the check of any service of the pool', () => {
  assert.deepEqual(dead([]), [])
  assert.deepEqual(dead(['web b']), ['b'])
  assert.deepEqual(dead(['web b', 'dns c']), ['b', 'c'])
})

test('deadOf() does not hear a check that all backends fail', () => {
  assert.deepEqual(dead(['web a', 'web b', 'web c']), [])
  assert.deepEqual(dead(['web a', 'web b', 'web c', 'dns c']), ['c'])
})

test('deadOf() names nobody if nobody would be left', () => {
  assert.deepEqual(dead(['web a', 'web b', 'dns c']), [])
})

test('deadOf() does not count on who takes no flows', () => {
  const drained = new Map([...even, ['c', 0] as const])
  assert.deepEqual(dead(['web a'], drained), ['a'])
  assert.deepEqual(dead(['web a', 'web b'], drained), [])
})
