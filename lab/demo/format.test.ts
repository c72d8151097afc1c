import assert from 'node:assert/strict'
import { test } from 'node:test'
import { milliseconds, share, short, sparkline } from './format.ts'

test('short() keeps to three digits', () => {
  assert.deepEqual([0, 87, 999, 1000, 9949, 43_100, 999_499, 1_234_567, 12_345_678].map(short), [
    '0',
    '87',
    '999',
    '1.0 k',
    '9.9 k',
    '43 k',
    '999 k',
    '1.2 M',
    '12 M',
  ])
})

test('share() is 100 % only for all', () => {
  assert.equal(share(1000, 1000), '100.0 %')
  assert.equal(share(99_999, 100_000), '99.99 %')
  assert.equal(share(1, 3), '33.3 %')
  assert.equal(share(0, 0), '–')
})

test('milliseconds() shows more digits of small values', () => {
  assert.deepEqual([0.123, 12.34, 123.4, null].map(milliseconds), ['0.12 ms', '12.3 ms', '123 ms', '–'])
})

test('sparkline() joins values to fit', () => {
  assert.equal(sparkline([0, 0, 10, 10], 10, 2), '▁█')
  assert.equal(sparkline([0, 5, 10], 10, 80), '▁▅█')
  assert.equal(sparkline([1, 2], 0, 80), '▁▁')
})
