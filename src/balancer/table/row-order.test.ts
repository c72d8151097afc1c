import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rowOrder } from './row-order.ts'

test('rowOrder() has every row once, whatever the size', () => {
  for (const size of [1, 2, 3, 4, 100, 256, 1_000, 16_384, 1 << 20])
    assert.equal(new Set(rowOrder(size)).size, size, `of ${size}`)
})

test('rowOrder() has rows of all parts of a table early on', () => {
  const size = 16_384
  const parts = new Uint32Array(16)
  for (const row of rowOrder(size).subarray(0, 1_024)) parts[row >> 10]!++
  for (const [part, rows] of parts.entries()) assert.ok(rows > 32 && rows < 128, `${rows} of part ${part}`)
})
