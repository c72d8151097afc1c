import type { Bits } from './bits.ts'
import type { Constraint } from './constraint.ts'
import type { Intervals } from './intervals.ts'

/** A stretch of values that no row tells apart: from `from` up to the next segment. */
export interface Segment {
  readonly from: bigint
  readonly class: number
}

/** The distinct sets of rows that values of one dimension accept; a class is an index into `rows`. */
export class Classes {
  readonly rows: Bits[] = []
  readonly #numbers = new Map<string, number>()

  number(rows: Bits): number {
    const known = this.#numbers.get(rows.key)
    if (known !== undefined) return known
    this.#numbers.set(rows.key, this.rows.length)
    this.rows.push(rows.copy())
    return this.rows.length - 1
  }
}

/** Rows that have a constraint on the dimension, with it. */
export type Constrained = readonly { readonly row: number; readonly constraint: Constraint }[]

/** Sweep over the boundaries of all rows' intervals. `others`: the rows that accept every value. */
export function segments(
  constrained: Constrained,
  pick: (constraint: Constraint) => Intervals,
  others: Bits,
  classes: Classes,
): Segment[] {
  const events = new Map<bigint, { begin: number[]; end: number[] }>([[0n, { begin: [], end: [] }]])
  const at = (value: bigint) => {
    let event = events.get(value)
    if (!event) events.set(value, (event = { begin: [], end: [] }))
    return event
  }
  for (const { row, constraint } of constrained)
    for (const [from, to] of pick(constraint)) {
      at(from).begin.push(row)
      at(to + 1n).end.push(row)
    }
  const rows = others.copy()
  const result: Segment[] = []
  for (const [from, { begin, end }] of [...events].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const row of end) rows.clear(row)
    for (const row of begin) rows.set(row)
    const number = classes.number(rows)
    if (result.at(-1)?.class !== number) result.push({ from, class: number })
  }
  return result
}

/** The class of packets without the field. */
export function absentClass(constrained: Constrained, others: Bits, classes: Classes): number {
  const rows = others.copy()
  for (const { row, constraint } of constrained) if (constraint.absent) rows.set(row)
  return classes.number(rows)
}
