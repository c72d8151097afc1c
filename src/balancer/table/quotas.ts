/**
 * How many of `rows` each backend is to own: its share by weight, rounded so that all add up. Which shares are rounded up is decided
 * first by who owns that many already, as each such row need not move, then by the larger remainder, then by the lower number.
 *
 * @param weights by backend, none negative.
 * @returns empty if nobody has a weight.
 */
export function quotasOf(
  rows: number,
  weights: ReadonlyMap<number, number>,
  owned: ReadonlyMap<number, number>,
): Map<number, number> {
  const sharing = [...weights].filter(([, weight]) => weight > 0)
  // Weights of any size add up without overflow.
  const largest = Math.max(...sharing.map(([, weight]) => weight))
  const total = sharing.reduce((sum, [, weight]) => sum + weight / largest, 0)
  const shares = sharing.map(([backend, weight]) => {
    const exact = (rows * (weight / largest)) / total
    const floor = Math.floor(exact)
    return { backend, floor, remainder: exact - floor, keeps: (owned.get(backend) ?? 0) > floor }
  })
  const left = rows - shares.reduce((sum, { floor }) => sum + floor, 0)
  const up = new Set(
    [...shares]
      .sort((a, b) => Number(b.keeps) - Number(a.keeps) || b.remainder - a.remainder || a.backend - b.backend)
      .slice(0, left)
      .map(({ backend }) => backend),
  )
  return new Map(shares.map(({ backend, floor }) => [backend, floor + (up.has(backend) ? 1 : 0)]))
}
