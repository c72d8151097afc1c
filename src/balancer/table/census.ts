/** How many rows each backend has, by its number. What stands at 0 is of rows that have nobody. */
export interface Census {
  /** Rows that it owns, and those of them that had another owner who may still have flows. */
  readonly owned: Uint32Array
  readonly arriving: Uint32Array
  /** Rows of others that it owned before. */
  readonly leaving: Uint32Array
}

/** @param numbers backends that are counted though they may have no rows. */
export function takeCensus(rows: Uint16Array, numbers: Iterable<number> = []): Census {
  let highest = 0
  for (let at = 0; at < rows.length; at++) highest = Math.max(highest, rows[at]!)
  for (const number of numbers) highest = Math.max(highest, number)
  const owned = new Uint32Array(highest + 1)
  const arriving = new Uint32Array(highest + 1)
  const leaving = new Uint32Array(highest + 1)
  for (let at = 0; at < rows.length; at += 2) {
    const [current, previous] = [rows[at]!, rows[at + 1]!]
    owned[current]!++
    if (previous === 0 || previous === current) continue
    arriving[current]!++
    leaving[previous]!++
  }
  return { owned, arriving, leaving }
}
