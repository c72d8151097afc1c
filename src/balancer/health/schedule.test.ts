import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { firstDelay, nextDelay } from './schedule.ts'

const chance = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const interval = fc.integer({ min: 100, max: 3_600_000 })

test('firstDelay() spreads all first checks over one interval, one in each part of it', () => {
  fc.assert(
    fc.property(interval, fc.array(chance, { minLength: 1, maxLength: 500 }), (everyMs, chances) => {
      const count = chances.length
      for (const [index, random] of chances.entries()) {
        const part = (firstDelay({ index, count }, everyMs, random) / everyMs) * count
        assert.ok(part >= index - 1e-6 && part <= index + 1 + 1e-6)
      }
    }),
  )
})

test('nextDelay() begins a check a tenth of the interval earlier or later at most, and never before the last has ended', () => {
  fc.assert(
    fc.property(interval, chance, chance, (everyMs, random, share) => {
      const begun = everyMs * share
      const fromBeginning = begun + nextDelay(everyMs, begun, random)
      assert.ok(fromBeginning >= Math.max(begun, everyMs * 0.9 - 1e-6))
      assert.ok(fromBeginning <= Math.max(begun, everyMs * 1.1) + 1e-6)
    }),
  )
  assert.equal(nextDelay(1_000, 5_000, 0.5), 0)
})

test('nextDelay() lets checks that began together fall out of step', () => {
  const begins = Array.from({ length: 100 }, () => 0)
  for (let round = 0; round < 100; round++) {
    for (const index of begins.keys()) begins[index]! += nextDelay(1_000, 0, Math.random())
  }
  const [first, last] = [Math.min(...begins), Math.max(...begins)]
  assert.ok(last - first > 1_000, `after 100 rounds all began within ${last - first} ms`)
})
