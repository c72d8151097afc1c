/** Length of the schedule of lab/bpf/flood.bpf.c. */
export const SCHEDULE_LENGTH = 256

/**
 * In which order patterns take turns: each as often as its weight says, as evenly as can be. Entries are indexes of `weights`.
 */
export function schedule(weights: readonly number[]): Uint8Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const credit = weights.map(() => 0)
  return Uint8Array.from({ length: SCHEDULE_LENGTH }, () => {
    weights.forEach((weight, index) => {
      credit[index]! += weight
    })
    const next = credit.indexOf(Math.max(...credit))
    credit[next]! -= total
    return next
  })
}
