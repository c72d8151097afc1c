import { formatAddress } from '../net/address.ts'
import type { DesiredBalancer } from './desired.ts'
import type { PeerAddress } from './fleet/client.ts'

/** Where the agents of a fleet are asked: the first of them decides about tables. */
export function machinesOf({ backends, fleet }: DesiredBalancer): PeerAddress[] {
  if (fleet === undefined) return []
  return backends.map(({ name, address }) => ({ name, host: formatAddress(address), port: fleet.port }))
}
