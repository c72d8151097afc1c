import type { DesiredBalancer } from './desired.ts'
import { type Before, layOutTables } from './layout.ts'
import type { Impact } from './types.ts'

/** What a configuration would do to the flows of each table, were it applied now. */
export function impactOf(before: Before | undefined, desired: DesiredBalancer | undefined): Impact[] {
  if (desired === undefined) return []
  const { pools, impacts } = layOutTables(desired, before, undefined)
  return pools.map(({ services }, index) => ({ services, buckets: desired.buckets, ...impacts[index]! }))
}
