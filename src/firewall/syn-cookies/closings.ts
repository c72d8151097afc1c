import type { BpfMap } from '../../bpf/index.ts'
import { syncookies } from '../../generated/syncookies.ts'
import type { ClockCalibration } from '../../rules/compile/index.ts'

/**
 * Notes that every connection may have closed just now: the program has seen no FIN of those that did before it was there, and SYNs
 * between their ends must go to the kernel as long as they may be in TIME_WAIT.
 */
export function assumeClosed(closings: BpfMap, { hz, jiffiesAtZero }: ClockCalibration): void {
  const now = jiffiesAtZero + (process.hrtime.bigint() * BigInt(hz)) / 1_000_000_000n
  const places = Uint32Array.from({ length: syncookies.maps.closings.maxEntries }, (_, index) => index)
  // Zero would be a place where nothing has closed.
  const noted = places.map(() => Number(BigInt.asUintN(32, now | 1n)))
  closings.setBatch(new Uint8Array(places.buffer), new Uint8Array(noted.buffer))
}
