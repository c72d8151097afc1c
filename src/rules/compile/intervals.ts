/** A set of non-negative integers as sorted, disjoint, non-touching inclusive intervals. */
export type Intervals = readonly (readonly [from: bigint, to: bigint])[]

const ordered = (a: readonly [bigint, bigint], b: readonly [bigint, bigint]): number =>
  a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0

/** Sort and join what overlaps or touches. */
export function normalize(parts: Intervals): Intervals {
  const result: [bigint, bigint][] = []
  for (const [from, to] of [...parts].sort(ordered)) {
    const last = result.at(-1)
    if (last && from <= last[1] + 1n) last[1] = to > last[1] ? to : last[1]
    else result.push([from, to])
  }
  return result
}

export const union = (a: Intervals, b: Intervals): Intervals => normalize([...a, ...b])

/** All of 0…max that is not in `a`. */
export function complement(a: Intervals, max: bigint): Intervals {
  const result: [bigint, bigint][] = []
  let next = 0n
  for (const [from, to] of a) {
    if (from > next) result.push([next, from - 1n])
    next = to + 1n
  }
  if (next <= max) result.push([next, max])
  return result
}

export function intersect(a: Intervals, b: Intervals): Intervals {
  const result: [bigint, bigint][] = []
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [x, y] = [a[i]!, b[j]!]
    const from = x[0] > y[0] ? x[0] : y[0]
    const to = x[1] < y[1] ? x[1] : y[1]
    if (from <= to) result.push([from, to])
    if (x[1] < y[1]) i++
    else j++
  }
  return result
}
