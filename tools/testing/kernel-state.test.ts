import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leaksSince } from './kernel-state.ts'

test('leaksSince names what is new and stays', async () => {
  assert.deepEqual(await leaksSince(new Set(['pin a']), () => new Set(['pin b', 'pin a', 'link 1']), 0), [
    'link 1',
    'pin b',
  ])
})

test('leaksSince waits for what the kernel frees late', async () => {
  const states = [new Set(['map 1']), new Set(['map 1']), new Set<string>()]
  assert.deepEqual(await leaksSince(new Set(), () => states.shift() ?? new Set()), [])
})

test('leaksSince says nothing about what went away', async () => {
  assert.deepEqual(await leaksSince(new Set(['process 1']), () => new Set()), [])
})
