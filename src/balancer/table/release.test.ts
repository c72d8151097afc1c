import assert from 'node:assert/strict'
import { test } from 'node:test'
import { release } from './release.ts'

test('release() frees the slots of the rows that it is told, and tells how many were in use', () => {
  const rows = Uint16Array.of(1, 2, 1, 0, 2, 3, 3, 1)
  assert.equal(release(rows, [0, 1, 3]), 2)
  assert.deepEqual(rows, Uint16Array.of(1, 0, 1, 0, 2, 3, 3, 0))
})
