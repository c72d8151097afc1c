/** A backend's part of the rows before it is rounded. */
interface Share {
  readonly backend: number
  readonly floor: number
  readonly remainder: number
  /** It owns more than `floor` already. */
  readonly keeps: boolean
}

/** A share that lacks so much of a whole number, in parts of all rows, is that number: what it lacks is the precision of a sum. */
const WHOLE = 1e-10

/**
 * How many of `rows` each backend is to own: its share by weight, rounded up or down so that all add up. Who is rounded up is decided so
 * that the fewest rows move: first come those that own that many already, then the larger remainders, then the lower numbers.
 *
 * @param weights by backend; those that are not positive share nothing.
 * @param owned rows by backend, as they are.
 * @returns empty if nobody has a weight.
 */
export function quotasOf(rows: number, weights: ReadonlyMap<number, number>, owned: Uint32Array): Map<number, number> {
  const shares = sharesOf(rows, weights, owned)
  const left = rows - shares.reduce((sum, { floor }) => sum + floor, 0)
  const up = new Set(
    shares
      .filter(({ remainder }) => remainder > 0)
      .sort((a, b) => Number(b.keeps) - Number(a.keeps) || b.remainder - a.remainder || a.backend - b.backend)
      .slice(0, left),
  )
  return new Map(shares.map((share) => [share.backend, share.floor + (up.has(share) ? 1 : 0)]))
}

function sharesOf(rows: number, weights: ReadonlyMap<number, number>, owned: Uint32Array): Share[] {
  // In one order, as the sum depends on it.
  const sharing = [...weights].filter(([, weight]) => weight > 0).sort(([a], [b]) => a - b)
  // Weights of any size add up without overflow.
  const largest = sharing.reduce((most, [, weight]) => Math.max(most, weight), 0)
  const total = sharing.reduce((sum, [, weight]) => sum + weight / largest, 0)
  return sharing.map(([backend, weight]) => {
    const exact = (rows * (weight / largest)) / total
    const floor = Math.floor(exact + WHOLE * rows)
    return { backend, floor, remainder: Math.max(0, exact - floor), keeps: (owned[backend] ?? 0) > floor }
  })
}
