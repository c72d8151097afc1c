import type { Paths } from '../../entry/paths.ts'
import { ip } from '../../linux/interface.ts'
import { type Address, formatAddress, parseAddress } from '../../net/address.ts'
import { type Prefix, prefixContains } from '../../net/prefix.ts'
import type { Identity } from '../identity.ts'

/** The address of each family, as text, that checks are sent from and answered to. */
export interface Sources {
  readonly 4?: string
  readonly 6?: string
}

export interface InterfaceAddresses {
  readonly ifname: string
  readonly flags: readonly string[]
  readonly addr_info: readonly {
    readonly local?: string
    readonly scope: string
    readonly deprecated?: boolean
    readonly tentative?: boolean
    readonly temporary?: boolean
  }[]
}

/** The own addresses in tunnels, or else the first of this machine that is no service's. */
export function findSources(paths: Paths, { self4, self6 }: Identity, services: readonly Prefix[]): Sources {
  const links = JSON.parse(ip(paths.netns, ['-json', 'address', 'show'])) as InterfaceAddresses[]
  const own6 = self6.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)
  const four = self4 === 0 ? pickSource(links, 4, services) : formatAddress({ family: 4, value: BigInt(self4) })
  const six = own6 === 0n ? pickSource(links, 6, services) : formatAddress({ family: 6, value: own6 })
  return { ...(four === undefined ? {} : { 4: four }), ...(six === undefined ? {} : { 6: six }) }
}

/** The first lasting address that the world can answer to; those of the loopback interface come last. */
export function pickSource(
  links: readonly InterfaceAddresses[],
  family: Address['family'],
  services: readonly Prefix[],
): string | undefined {
  const isLoopback = ({ flags }: InterfaceAddresses): boolean => flags.includes('LOOPBACK')
  const ordered = [...links.filter((link) => !isLoopback(link)), ...links.filter(isLoopback)]
  const usable = ordered.flatMap(({ addr_info }) =>
    addr_info.flatMap(({ local, scope, deprecated, tentative, temporary }) =>
      local === undefined || scope !== 'global' || deprecated || tentative || temporary ? [] : [parseAddress(local)],
    ),
  )
  const found = usable.find(
    (address) => address.family === family && !services.some((prefix) => prefixContains(prefix, address)),
  )
  return found && formatAddress(found)
}
