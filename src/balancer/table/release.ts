/**
 * Forgets the previous owners of rows, because these have no connections of them any more or have been asked for long enough: the rows
 * may move again.
 *
 * @returns how many had one.
 */
export function release(rows: Uint16Array, released: Iterable<number>): number {
  let freed = 0
  for (const row of released) {
    if (rows[row * 2 + 1] === 0) continue
    rows[row * 2 + 1] = 0
    freed++
  }
  return freed
}
