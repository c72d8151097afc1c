/** What several runs of the same thing came to. */
export interface Timing {
  readonly min: number
  readonly median: number
}

/**
 * Minimum and median of the samples of several runs.
 *
 * @throws RangeError when there is none.
 */
export function timingOf(samples: readonly number[]): Timing {
  if (samples.length === 0) throw new RangeError('Cannot take the minimum of no samples: wanted at least 1 run')
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { min: sorted[0]!, median }
}

/** The same timing in another unit: each figure times `factor`. */
export function scaled({ min, median }: Timing, factor: number): Timing {
  return { min: min * factor, median: median * factor }
}
