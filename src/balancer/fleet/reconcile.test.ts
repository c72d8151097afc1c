import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TableDocument } from './document.ts'
import { reconcile } from './reconcile.ts'

function documentOf(version: number, backends: readonly string[], rows: readonly number[]): TableDocument {
  const pools = [{ backends, rows: Uint16Array.from(rows) }]
  return { version, conductor: 'a', pools, drained: [], dead: [], factors: [] }
}

const names = ['a', 'b', 'c']

describe('reconcile()', () => {
  test('puts the owner that only the lost table named into a free slot, and leaves all else as in the newer one', () => {
    const newer = documentOf(9, names, [1, 0, 1, 2, 1, 0, 0, 0])
    const lost = documentOf(5, names, [3, 1, 3, 1, 1, 2, 3, 0])
    assert.deepEqual(reconcile(newer, lost)?.[0]?.rows, Uint16Array.of(1, 3, 1, 2, 1, 0, 0, 0))
    assert.deepEqual(newer.pools[0]?.rows[1], 0)
  })

  test('is undefined if there is nothing to save, or the pools are others', () => {
    const newer = documentOf(9, names, [1, 0, 2, 3])
    assert.equal(reconcile(newer, documentOf(5, names, [1, 2, 3, 0])), undefined)
    assert.equal(reconcile(newer, documentOf(5, ['a', 'b'], [2, 0, 1, 0])), undefined)
    assert.equal(reconcile(newer, documentOf(5, names, [3, 0])), undefined)
  })
})
