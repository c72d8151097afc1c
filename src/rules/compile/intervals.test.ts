import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { complement, type Intervals, intersect, normalize, union } from './intervals.ts'

const MAX = 63n
const intervals = fc
  .array(fc.tuple(fc.bigInt({ min: 0n, max: MAX }), fc.bigInt({ min: 0n, max: MAX })))
  .map((pairs) => normalize(pairs.map(([a, b]) => (a < b ? [a, b] : [b, a]))))

const has = (set: Intervals, value: bigint) => set.some(([from, to]) => from <= value && value <= to)
const everywhere = (check: (value: bigint) => boolean) => {
  for (let value = 0n; value <= MAX; value++) if (!check(value)) return false
  return true
}

test('normalize joins what overlaps or touches', () => {
  assert.deepEqual(
    normalize([
      [5n, 9n],
      [1n, 4n],
      [8n, 12n],
      [20n, 20n],
    ]),
    [
      [1n, 12n],
      [20n, 20n],
    ],
  )
})

test('union, intersect and complement agree with sets', () => {
  fc.assert(
    fc.property(intervals, intervals, (a, b) => {
      assert.ok(everywhere((v) => has(union(a, b), v) === (has(a, v) || has(b, v))))
      assert.ok(everywhere((v) => has(intersect(a, b), v) === (has(a, v) && has(b, v))))
      assert.ok(everywhere((v) => has(complement(a, MAX), v) === !has(a, v)))
    }),
  )
})
