import { existsSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { BpfMap } from '../bpf/index.ts'
import { openMap } from './open.ts'
import { writing } from './pins.ts'

/**
 * A generation that waits for its confirmation has a pinned array `pending` with one u64: the time (CLOCK_MONOTONIC,
 * nanoseconds) at which it is rolled back. Any agent, also one that starts later, finds it there. Confirming removes the pin.
 */
export const PENDING = 'pending'

export function createPending(deadline: bigint): BpfMap {
  const map = BpfMap.create({ kind: 'array', name: 'seawall_pending', keySize: 4, valueSize: 8, maxEntries: 1 })
  writeDeadline(map, deadline)
  return map
}

export function writeDeadline(map: BpfMap, deadline: bigint): void {
  const value = new Uint8Array(8)
  new DataView(value.buffer).setBigUint64(0, deadline, true)
  map.setRaw(new Uint8Array(4), value)
}

/** The map of a generation that waits, for the generation that takes its place. */
export function openPending(folder: string): BpfMap | undefined {
  const path = join(folder, PENDING)
  return existsSync(path) ? openMap(path) : undefined
}

/** When the generation in this folder is rolled back; undefined if it needs no confirmation (any more). */
export function readPending(folder: string): bigint | undefined {
  const path = join(folder, PENDING)
  if (!existsSync(path)) return undefined
  const map = openMap(path)
  try {
    const value = map.getRaw(new Uint8Array(4))!
    return new DataView(value.buffer, value.byteOffset).getBigUint64(0, true)
  } finally {
    map.close()
  }
}

/** Returns false if there was nothing to confirm. */
export function removePending(folder: string): boolean {
  const path = join(folder, PENDING)
  if (!existsSync(path)) return false
  writing('confirm', () => unlinkSync(path))
  return true
}

/** CLOCK_MONOTONIC, nanoseconds. */
export const now = (): bigint => process.hrtime.bigint()

export const milliseconds = (ms: number): bigint => BigInt(Math.round(ms * 1e6))
