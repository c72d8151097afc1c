import type { Netns } from '../../linux/netns.ts'
import { type Address, addressBits, formatAddress } from '../../net/address.ts'
import type { Prefix } from '../../net/prefix.ts'
import type { Surroundings } from '../../probes/index.ts'
import type { DesiredBackend, DesiredBalancer, DesiredCheck, Encapsulation } from '../desired.ts'

/** A backend that is to be checked for a service. */
export interface Target {
  readonly service: string
  readonly backend: DesiredBackend
  /** Of the service. */
  readonly address: Address
  readonly encapsulation: Encapsulation
  readonly check: DesiredCheck
}

/** What is to be checked: each backend for each of its services that has a check. */
export function targetsOf({ services, backends }: Pick<DesiredBalancer, 'services' | 'backends'>): Target[] {
  const byName = new Map(backends.map((backend) => [backend.name, backend]))
  return services.flatMap(({ id, prefix, encapsulation, check, backends: names }) => {
    if (check === undefined) return []
    const address = addressIn(prefix)
    return names.map((name) => ({ service: id, backend: byName.get(name)!, address, encapsulation, check }))
  })
}

/** The address of a prefix that is asked: not the first of several, which some routers answer themselves. */
export function addressIn({ family, value, length }: Prefix): Address {
  const hostBits = addressBits[family] - length
  return { family, value: hostBits > 1 ? value + 1n : value }
}

/** What a probe of a target needs; a command is told whom it is about. */
export function surroundingsOf(target: Target, netns: Netns, approach: Surroundings['approach']): Surroundings {
  const { service, backend, address } = target
  const environment = {
    SEAWALL_SERVICE: service,
    SEAWALL_SERVICE_ADDRESS: formatAddress(address),
    SEAWALL_BACKEND: backend.name,
    SEAWALL_BACKEND_ADDRESS: formatAddress(backend.address),
  }
  return { netns, environment, approach }
}
