import type { Paths } from '../entry/paths.ts'
import { ip } from '../linux/interface.ts'
import { type NextHop, nextHops } from '../linux/next-hop.ts'
import { type Address, addressBytes, formatAddress, parseAddress } from '../net/address.ts'
import type { DesiredBalancer } from './desired.ts'

/** What this machine is to the others. */
export interface Identity {
  /** Name of the backend whose address it has; absent on a machine that only balances. */
  readonly self?: string
  /** Addresses that it sends encapsulated packets from, and takes them at; zero where it has none of the family. */
  readonly self4: number
  readonly self6: Uint8Array
}

interface AddressJson {
  readonly addr_info: readonly { readonly local?: string }[]
}

/** Addresses that this machine has, as the kernel writes them. */
export function ownAddresses({ netns }: Paths): ReadonlySet<string> {
  const links = JSON.parse(ip(netns, ['-json', 'address', 'show'])) as AddressJson[]
  return new Set(links.flatMap(({ addr_info }) => addr_info.flatMap(({ local }) => local ?? [])))
}

/** Finds out who this machine is by its addresses and routes. */
export function identify(paths: Paths, { backends }: DesiredBalancer): Identity {
  const own = ownAddresses(paths)
  const self = backends.find(({ address }) => own.has(formatAddress(address)))
  const sources = sourcesOf(
    nextHops(
      paths.netns,
      backends.map(({ address }) => formatAddress(address)),
    ),
  )
  const [own4, own6] = ([4, 6] as const).map((family) =>
    self?.address.family === family ? self.address : sources[family],
  )
  return {
    ...(self === undefined ? {} : { self: self.name }),
    self4: own4 === undefined ? 0 : Number(own4.value),
    self6: own6 === undefined ? new Uint8Array(16) : addressBytes(own6),
  }
}

/** The address of each family that the kernel would send from. */
function sourcesOf(hops: ReadonlyMap<string, NextHop>): { 4?: Address; 6?: Address } {
  const found: { 4?: Address; 6?: Address } = {}
  for (const { source } of hops.values()) {
    const address = source === undefined ? undefined : parseAddress(source)
    if (address !== undefined) found[address.family] ??= address
  }
  return found
}
