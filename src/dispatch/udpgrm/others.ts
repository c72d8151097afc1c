import type { Paths } from '../../entry/paths.ts'
import type { Group } from '../../generated/udpgrm.ts'
import type { TableSocket } from '../../linux/socket-table.ts'
import { parseAddress } from '../../net/address.ts'
import { type Binding, formatMatch } from '../binding.ts'
import { activeBindings } from '../live.ts'
import { defaultPolicy } from '../policy.ts'
import { addressOf, hostOf, OTHERS } from './groups.ts'

/**
 * What is not a group's though its sockets are bound to all addresses: the addresses to which other sockets of the same port are bound. They have
 * what comes there, as without Seawall.
 */
export function othersOf(groups: readonly Group[], sockets: readonly TableSocket[]): Binding[] {
  const ports = new Set(groups.filter((one) => addressOf(one).value === 0n).map(({ port }) => port))
  const found = new Map<string, Binding>()
  for (const { protocol, address, port } of sockets) {
    if (protocol !== 'udp' || !ports.has(port)) continue
    const own = parseAddress(address)
    if (own.value === 0n) continue
    const match = { protocol, prefix: hostOf(own), ports: { from: port, to: port } } as const
    found.set(formatMatch(match), { ...match, label: OTHERS, ...defaultPolicy, missing: 'pass' })
  }
  return [...found.values()]
}

/** Labels of the bindings in force, by what is bound. */
export const labelsOf = (paths: Paths): Map<string, string> =>
  new Map(activeBindings(paths).map((binding) => [formatMatch(binding), binding.label]))
