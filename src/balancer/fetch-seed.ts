import type { Paths } from '../entry/paths.ts'
import type { DesiredBalancer } from './desired.ts'
import { FleetClient } from './fleet/client.ts'
import type { TableDocument } from './fleet/document.ts'
import { fetchNewest } from './fleet/fetch-newest.ts'
import { machinesOf, memberOf } from './machines.ts'

/** Milliseconds that a machine without a table waits for the others to tell theirs. */
const PATIENCE_MS = 2_000

/**
 * The fleet's tables, for a machine that has none: if it began with its own, packets that it gets would go to other servers than those
 * which the rest of the fleet sends them to. Undefined without a fleet, or if nobody answers.
 */
export async function fetchSeed(paths: Paths, desired: DesiredBalancer): Promise<TableDocument | undefined> {
  const self = memberOf(paths, desired)
  if (self === undefined) return undefined
  const client = new FleetClient({ self, key: desired.key, timeoutMs: PATIENCE_MS })
  try {
    const others = machinesOf(desired).filter(({ name }) => name !== self)
    const { document } = await fetchNewest(client, others, AbortSignal.timeout(PATIENCE_MS))
    return document
  } finally {
    client.close()
  }
}
