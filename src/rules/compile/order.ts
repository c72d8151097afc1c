import type { Dimension } from './constraint.ts'
import { type Placement, rowsOfDimension } from './place.ts'

/** How telling a dimension is, for each row that asks about it: a port rules out nearly all packets, `udp` few of them. */
const WEIGHT: Record<Dimension['kind'], number> = { number: 4, address: 4, fact: 1, predicate: 0 }
/** What to ask first of two that tell as much. */
const COST: Record<Dimension['kind'], number> = { fact: 0, number: 1, address: 2, predicate: 3 }

export interface Question {
  readonly dimension: Dimension
  /** From here on no row may be left: before, some row has not been asked about at all. */
  readonly mayEnd: boolean
}

/**
 * The order in which dimensions are asked: each time the one that constrains most of the rows that none before it did, so that
 * a packet that no rule is about leaves after the first few.
 */
export function orderDimensions(placement: Placement): Question[] {
  const rowsOf = new Map(
    placement.dimensions.map((dimension) => [
      dimension,
      rowsOfDimension(placement, dimension.key).constrained.map(({ row }) => row),
    ]),
  )
  const uncovered = new Set(placement.rows.flatMap((row, i) => (row ? [i] : [])))
  const gain = (dimension: Dimension): number =>
    WEIGHT[dimension.kind] * rowsOf.get(dimension)!.filter((row) => uncovered.has(row)).length
  const left = [...placement.dimensions].sort((a, b) => COST[a.kind] - COST[b.kind])
  const order: Question[] = []
  while (left.length > 0) {
    const best = left.reduce((best, dimension) => (gain(dimension) > gain(best) ? dimension : best))
    const open = uncovered.size > 0
    for (const row of rowsOf.get(best)!) if (best.kind !== 'fact') uncovered.delete(row)
    left.splice(left.indexOf(best), 1)
    order.push({ dimension: best, mayEnd: left.length === 0 || (open && uncovered.size === 0) })
  }
  return order
}
