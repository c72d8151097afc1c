import { formatAddress, parseAddress } from '../net/address.ts'
import { formatPrefix, parsePrefix } from '../net/prefix.ts'
import type { DesiredBalancer } from './desired.ts'

/** A configuration as JSON has it: addresses, prefixes and the key as text. */
export type SerialisedBalancer = ReturnType<typeof serialise>

export function serialise(desired: DesiredBalancer) {
  const { key, backends, services, ...rest } = desired
  return {
    ...rest,
    key: Buffer.from(key).toString('hex'),
    backends: backends.map((one) => ({ ...one, address: formatAddress(one.address) })),
    services: services.map((one) => ({ ...one, prefix: formatPrefix(one.prefix) })),
  }
}

export function deserialise(text: SerialisedBalancer): DesiredBalancer {
  const { key, backends, services, ...rest } = text
  return {
    ...rest,
    key: Uint8Array.from(Buffer.from(key, 'hex')),
    backends: backends.map((one) => ({ ...one, address: parseAddress(one.address) })),
    services: services.map((one) => ({ ...one, prefix: parsePrefix(one.prefix) })),
  }
}
