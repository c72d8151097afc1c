import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatList } from './list.ts'

test('formatList() names the first ones, and counts the others', () => {
  assert.equal(formatList([], 2), '')
  assert.equal(formatList(['a', 'b', 'c'], 2), 'a, b, c')
  assert.equal(formatList(['a', 'b', 'c', 'd'], 2), 'a, b and 2 more')
  const thousand = Array.from({ length: 1_003 }, (_, index) => `n${index}`)
  assert.equal(formatList(thousand, 1), 'n0 and 1,002 more')
})
