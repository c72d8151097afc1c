import { formatPrefix, type Prefix } from '../net/prefix.ts'
import type { DesiredService, Protocol } from './desired.ts'

/** What the data plane finds a service by. */
export interface ServiceKey {
  /** `portless`: by address and protocol alone, as fragments are found. */
  readonly kind: 'ports' | 'portless'
  readonly prefix: Prefix
  readonly protocol: Protocol
  /** 0 for any. */
  readonly port: number
  readonly service: DesiredService
}

/**
 * The keys of services: each port of each protocol, and then one without a port for each address and protocol, which is that of the
 * first service marked for fragments if there is one.
 */
export function keysOf(services: readonly DesiredService[]): ServiceKey[] {
  const portless = new Map<string, ServiceKey>()
  const keys: ServiceKey[] = []
  for (const service of services) {
    const { prefix } = service
    for (const protocol of service.protocols) {
      const ports = service.ports === 'all' ? [0] : service.ports
      for (const port of ports) keys.push({ kind: 'ports', prefix, protocol, port, service })
      const name = `${formatPrefix(prefix)} ${protocol}`
      const known = portless.get(name)
      if (known === undefined || (service.fragments && !known.service.fragments))
        portless.set(name, { kind: 'portless', prefix, protocol, port: 0, service })
    }
  }
  return [...keys, ...portless.values()]
}
