import type { Paths } from '../entry/paths.ts'
import { type NextHop, nextHops } from '../linux/next-hop.ts'
import { formatAddress } from '../net/address.ts'
import type { DesiredBackend, DesiredBalancer, Encapsulation } from './desired.ts'
import { identify } from './identity.ts'
import { memberOf } from './machines.ts'

/** What clients send at most: an Ethernet without jumbo frames. */
const LARGEST_INNER = 1_500

/** Bytes of an outer IP header, by family, and of GUE behind it: UDP, header, and a list of one server. */
const IP_BYTES = { 4: 20, 6: 40 } as const
const GUE_BYTES = 20

/** Bytes of the shortest TCP header. */
const TCP_BYTES = 20

/** What an operator should know of the ways to backends before packets take them. */
export function balancerWarnings(paths: Paths, desired: DesiredBalancer): string[] {
  const { self } = identify(paths, desired)
  const others = desired.backends.filter(({ name }) => name !== self)
  const addresses = others.map(({ address }) => formatAddress(address))
  const hops = nextHops(paths.netns, addresses)
  return [
    ...fleetWarnings(paths, desired),
    ...others.flatMap((backend, index) =>
      wayWarnings(backend, addresses[index]!, hops.get(addresses[index]!), desired),
    ),
  ]
}

function fleetWarnings(paths: Paths, desired: DesiredBalancer): string[] {
  if (desired.fleet === undefined || memberOf(paths, desired) !== undefined) return []
  return [
    'this machine has no address of the fleet: it decides about tables by itself, so that packets may go elsewhere than other machines ' +
      'send them (name it in fleet.balancers)',
  ]
}

function wayWarnings(
  backend: DesiredBackend,
  address: string,
  hop: NextHop | undefined,
  desired: DesiredBalancer,
): string[] {
  const { name } = backend
  if (hop === undefined) return [`there is no route to backend "${name}" (${address}): packets for it are dropped`]
  const overhead = overheadOf(backend, desired)
  const wanted = LARGEST_INNER + overhead
  if (hop.mtu >= wanted) return []
  const segment = (family: 4 | 6): number => hop.mtu - overhead - IP_BYTES[family] - TCP_BYTES
  return [
    `packets of ${LARGEST_INNER} bytes do not fit into the way to backend "${name}" (its MTU is ${hop.mtu}, wanted ${wanted}): senders are told ` +
      'to make them smaller, which takes them time (raise the MTU between servers, or give the routes to clients advmss ' +
      `${segment(4)}, those of IPv6 ${segment(6)})`,
  ]
}

/** The most that any of its services adds to a packet. */
function overheadOf({ name, address }: DesiredBackend, { services }: DesiredBalancer): number {
  const used = services.filter(({ backends }) => backends.includes(name)).map(({ encapsulation }) => encapsulation)
  return Math.max(0, ...used.map((encapsulation) => bytesOf(encapsulation, address.family)))
}

function bytesOf(encapsulation: Encapsulation, family: 4 | 6): number {
  return IP_BYTES[family] + (encapsulation === 'gue' ? GUE_BYTES : 0)
}
