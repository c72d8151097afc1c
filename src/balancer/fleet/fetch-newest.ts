import type { FleetClient, PeerAddress } from './client.ts'
import { compareStamps, stampOf, type TableDocument } from './document.ts'

/** Most machines asked at once. */
const AT_ONCE = 16

/** What asking around has brought. */
export interface Fetched {
  /** The newest table of all that answered; undefined if none of them has one. */
  readonly document: TableDocument | undefined
  /** Names of those who answered. */
  readonly answered: readonly string[]
  /** Why the others did not. */
  readonly errors: readonly Error[]
}

/** Asks all others for their tables: what a machine that has none does before it takes its first packet. */
export async function fetchNewest(
  client: Pick<FleetClient, 'table'>,
  peers: readonly PeerAddress[],
  signal?: AbortSignal,
): Promise<Fetched> {
  const waiting = [...peers]
  const answered: string[] = []
  const errors: Error[] = []
  let document: TableDocument | undefined
  const ask = async (): Promise<void> => {
    for (let peer = waiting.shift(); peer !== undefined; peer = waiting.shift()) {
      try {
        const table = await client.table(peer, signal)
        answered.push(peer.name)
        if (table && compareStamps(stampOf(table), document && stampOf(document)) > 0) document = table
      } catch (error) {
        errors.push(error instanceof Error ? error : new Error(String(error)))
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, ask))
  return { document, answered, errors }
}
