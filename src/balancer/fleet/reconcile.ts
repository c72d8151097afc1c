import { poolKey, type TableDocument, type TablePool } from './document.ts'

/**
 * For a while two machines decided, neither of which heard of the other: the newer table stays, but for the owners that only the lost
 * one named. A row that the newer one gives to another, and whose previous slot is free, gets the lost one's owner there, so that
 * what he accepted meanwhile lives on.
 *
 * @returns the pools of the newer table, changed where that was possible; undefined if nothing is to be changed.
 */
export function reconcile(newer: TableDocument, lost: TableDocument): readonly TablePool[] | undefined {
  const lostPools = new Map(lost.pools.map((pool) => [poolKey(pool.backends), pool]))
  let changed = false
  const pools = newer.pools.map((pool) => {
    const rows = reconcileRows(pool.rows, lostPools.get(poolKey(pool.backends))?.rows)
    if (rows === undefined) return pool
    changed = true
    return { backends: pool.backends, rows }
  })
  return changed ? pools : undefined
}

function reconcileRows(newer: Uint16Array, lost: Uint16Array | undefined): Uint16Array | undefined {
  if (lost === undefined || lost.length !== newer.length) return undefined
  let rows: Uint16Array | undefined
  for (let at = 0; at < newer.length; at += 2) {
    const owner = lost[at] ?? 0
    if (owner === 0 || newer[at] === 0 || owner === newer[at] || newer[at + 1] !== 0) continue
    rows ??= newer.slice()
    rows[at + 1] = owner
  }
  return rows
}
