import { layoutOf } from '../entry/layout.ts'
import { connections } from '../generated/connections.ts'
import { entry } from '../generated/entry.ts'
import { syncookies } from '../generated/syncookies.ts'
import { CaptureLease, CaptureRecord, Handover, SampleRecord } from '../rules/compile/index.ts'
import { FIRST_RULE_SLOT } from '../rules/counters.ts'
import { LAYOUT_VERSION } from '../rules/sets/geometry.ts'

/** Elements of the `counters` map: reserved ones, then one a rule. */
export const SLOTS = 16_384

/** Bytes of a counter: packets and bytes, u64 each. */
export const COUNTER_SIZE = 16

/** Bytes of the ring buffer of samples. */
export const SAMPLES_SIZE = 1 << 20

/**
 * Whatever makes pinned state of another build of Seawall unusable. Raise `format` when a meaning changes that no
 * number here shows.
 */
const format = {
  format: 3,
  SLOTS,
  FIRST_RULE_SLOT,
  COUNTER_SIZE,
  SampleRecord,
  CaptureRecord,
  CaptureLease,
  Handover,
  SAMPLES_SIZE,
  entry: entry.layout,
  syncookies: syncookies.layout,
  connections: connections.layout,
  sets: LAYOUT_VERSION,
}

export const LAYOUT = layoutOf(format)

export { FIRST_RULE_SLOT }
