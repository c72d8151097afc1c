import type { Paths } from '../entry/paths.ts'
import { formatAddress } from '../net/address.ts'
import type { DesiredBalancer } from './desired.ts'
import type { PeerAddress } from './fleet/client.ts'
import { ownAddresses } from './identity.ts'

/** Where the agents of a fleet are asked: the first of them decides about tables. */
export function machinesOf({ backends, fleet }: DesiredBalancer): PeerAddress[] {
  if (fleet === undefined) return []
  const { port, balancers = [], isOfBalancers } = fleet
  const servers = backends.map(({ name, address }) => ({ name, address: formatAddress(address) }))
  const machines = isOfBalancers === true ? balancers : [...servers, ...balancers]
  return machines.map(({ name, address }) => ({ name, host: address, port }))
}

/** Name by which this machine is one of its fleet; undefined if it is none. */
export function memberOf(paths: Paths, desired: DesiredBalancer): string | undefined {
  const own = ownAddresses(paths)
  return machinesOf(desired).find(({ host }) => own.has(host))?.name
}
