/** Checks come earlier or later by up to this part of their interval, so that those of many machines do not keep in step. */
const JITTER = 0.1

/**
 * Milliseconds until the first check of the one at `index` of `count`: they are spread over one interval, whatever their number.
 *
 * @param random from 0 to 1
 */
export function firstDelay(
  { index, count }: { index: number; count: number },
  everyMs: number,
  random: number,
): number {
  return (everyMs * (index + random)) / count
}

/**
 * Milliseconds until the next check, from the end of one that began so many milliseconds ago. The mean from beginning to beginning is
 * the interval, unless checks take longer.
 *
 * @param random from 0 to 1
 */
export function nextDelay(everyMs: number, begunMs: number, random: number): number {
  return Math.max(0, everyMs * (1 - JITTER + 2 * JITTER * random) - begunMs)
}
