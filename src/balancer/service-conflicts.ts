import type { z } from 'zod'
import { type At, type IssueParams, refuse } from '../entry/schema.ts'
import { formatAddress } from '../net/address.ts'
import { formatPrefix, prefixContains } from '../net/prefix.ts'
import type { DesiredBackend, DesiredCheck, DesiredService, Protocol } from './desired.ts'

/** A service, and its place in the list. */
export interface Placed {
  readonly index: number
  readonly service: DesiredService
}

type Refuse = (index: number, path: At, wanted: string, params?: IssueParams) => void

/** Refuses services that cannot be together, or not with these backends. */
export function refuseConflicts(
  context: z.RefinementCtx,
  placed: readonly Placed[],
  backends: readonly DesiredBackend[],
): void {
  const refuseAt: Refuse = (index, path, wanted, params) =>
    refuse(context, ['services', index, ...path], wanted, params)
  refuseTwins(placed, refuseAt)
  refuseMixedFragments(placed, refuseAt)
  refuseOwnAddresses(placed, backends, refuseAt)
  refuseWeightless(placed, backends, refuseAt)
  refuseStrayChecks(placed, refuseAt)
}

const called = ({ index, service }: Placed): string => `services[${index}] (${service.id})`

/** Two services for one packet, or of one id. */
function refuseTwins(placed: readonly Placed[], refuseAt: Refuse): void {
  const byKey = new Map<string, Placed>()
  const byId = new Map<string, Placed>()
  for (const one of placed) {
    const keys = keysOf(one.service)
    const taken = keys.find((key) => byKey.has(key))
    const namesake = byId.get(one.service.id)
    if (taken !== undefined) {
      const wanted = `an address, protocol and port that ${called(byKey.get(taken)!)} does not have`
      refuseAt(one.index, [], wanted, { found: taken, remedy: 'remove it from one of them' })
    } else if (namesake !== undefined) {
      const wanted = `another id than that of services[${namesake.index}]`
      refuseAt(one.index, ['id'], wanted, { found: `"${one.service.id}"`, remedy: 'give one of them another id' })
    }
    for (const key of keys) byKey.set(key, byKey.get(key) ?? one)
    byId.set(one.service.id, namesake ?? one)
  }
}

/** `192.0.2.53/32 udp port 53` */
function keysOf({ prefix, protocols, ports }: DesiredService): string[] {
  const list = ports === 'all' ? ['all ports'] : ports.map((port) => `port ${port}`)
  return protocols.flatMap((protocol) => list.map((port) => `${formatPrefix(prefix)} ${protocol} ${port}`))
}

/** Fragments but the first have no ports, so they cannot be told apart by service. */
function refuseMixedFragments(placed: readonly Placed[], refuseAt: Refuse): void {
  const marked = new Map<string, Placed>()
  for (const one of placed) {
    const { service, index } = one
    if (!service.fragments) continue
    const names = service.protocols.map((protocol) => `${formatPrefix(service.prefix)} ${protocol}`)
    const other = names.flatMap((name) => marked.get(name) ?? []).find((first) => !sameWay(first.service, service))
    if (other !== undefined)
      refuseAt(
        index,
        ['fragments'],
        `the backends and the encapsulation of ${called(other)}, whose address and protocol it shares: later fragments have no ports`,
        { remedy: 'mark one of them, or give both the same backends' },
      )
    for (const name of names) marked.set(name, marked.get(name) ?? one)
  }
}

const sameWay = (one: DesiredService, other: DesiredService): boolean =>
  one.encapsulation === other.encapsulation && one.backends.join(' ') === other.backends.join(' ')

/** What is sent to a backend must not be balanced itself. */
function refuseOwnAddresses(placed: readonly Placed[], backends: readonly DesiredBackend[], refuseAt: Refuse): void {
  for (const { index, service } of placed) {
    const inside = backends.find(({ address }) => prefixContains(service.prefix, address))
    if (inside === undefined) continue
    refuseAt(index, ['address'], 'addresses of which none is that of a backend', {
      found: `${formatPrefix(service.prefix)}, in which is ${inside.name} (${formatAddress(inside.address)})`,
      remedy: 'give the service an address of its own: backends keep theirs',
    })
  }
}

function refuseWeightless(placed: readonly Placed[], backends: readonly DesiredBackend[], refuseAt: Refuse): void {
  const weights = new Map(backends.map(({ name, weight }) => [name, weight]))
  for (const { index, service } of placed) {
    // A backend that could not be read may well have one.
    if (service.backends.length === 0 || service.backends.some((name) => weights.get(name) !== 0)) continue
    refuseAt(index, ['backends'], 'a backend with a weight above 0', {
      found: `weight 0 of ${service.backends.join(', ')}`,
      remedy: 'packets would have nowhere to go: remove the service',
    })
  }
}

/** A check goes the way of the service's packets, on which servers take nothing but what is for a service. */
function refuseStrayChecks(placed: readonly Placed[], refuseAt: Refuse): void {
  for (const { index, service } of placed) {
    const asked = service.check && target(service.check)
    if (asked === undefined || placed.some((other) => takes(other.service, service, asked))) continue
    const { port, protocol } = asked
    refuseAt(index, ['check'], 'a check of a port and protocol that some service of the address has', {
      found: `a check by ${protocol} of port ${port}`,
      remedy: 'it goes the way of packets of a service: check another port, or add a service for this one',
    })
  }
}

function target({ probe }: DesiredCheck): { protocol: Protocol; port: number } | undefined {
  if (probe.kind === 'command') return undefined
  return { protocol: probe.kind === 'tcp' || probe.kind === 'http' ? 'tcp' : 'udp', port: probe.port }
}

function takes(
  service: DesiredService,
  { prefix }: DesiredService,
  { protocol, port }: { protocol: Protocol; port: number },
): boolean {
  if (!service.protocols.includes(protocol) || (service.ports !== 'all' && !service.ports.includes(port))) return false
  return service.prefix.length <= prefix.length && prefixContains(service.prefix, prefix)
}
