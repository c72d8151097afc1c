/**
 * Nanoseconds to be added to CLOCK_MONOTONIC for the time since 1970. The clock on the wall tells Node milliseconds only, so this waits
 * for one to begin.
 */
export function wallClockOffset(): bigint {
  const before = Date.now()
  let monotonic = process.hrtime.bigint()
  let wall = Date.now()
  while (wall === before) {
    monotonic = process.hrtime.bigint()
    wall = Date.now()
  }
  return BigInt(wall) * 1_000_000n - monotonic
}

/** Nanoseconds since 1970 as ISO 8601, with all of them. */
export function formatTime(nanoseconds: bigint): string {
  const seconds = new Date(Number(nanoseconds / 1_000_000n)).toISOString().slice(0, 19)
  return `${seconds}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}Z`
}
