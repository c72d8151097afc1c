import type { Paths } from '../entry/paths.ts'
import { type NextHop, nextHops } from '../linux/next-hop.ts'
import { formatAddress } from '../net/address.ts'
import type { DesiredBackend, DesiredBalancer, Encapsulation } from './desired.ts'
import { identify } from './identity.ts'

/** What clients send at most: an Ethernet without jumbo frames. */
const LARGEST_INNER = 1_500

/** Bytes of an outer IP header, by family, and of GUE behind it: UDP, header, and a list of one IPv4 hop. */
const IP_BYTES = { 4: 20, 6: 40 } as const
const GUE_BYTES = 16
const HOP_BYTES = 4

/** What an operator should know of the ways to backends before packets take them. */
export function balancerWarnings(paths: Paths, desired: DesiredBalancer): string[] {
  const { self } = identify(paths, desired)
  const others = desired.backends.filter(({ name }) => name !== self)
  const addresses = others.map(({ address }) => formatAddress(address))
  const hops = nextHops(paths.netns, addresses)
  return others.flatMap((backend, index) =>
    wayWarnings(backend, addresses[index]!, hops.get(addresses[index]!), desired),
  )
}

function wayWarnings(
  backend: DesiredBackend,
  address: string,
  hop: NextHop | undefined,
  desired: DesiredBalancer,
): string[] {
  const { name } = backend
  if (hop === undefined) return [`there is no route to backend "${name}" (${address}): packets for it are dropped`]
  const wanted = LARGEST_INNER + overheadOf(backend, desired)
  if (hop.mtu >= wanted) return []
  return [
    `packets of ${LARGEST_INNER} bytes do not fit into the way to backend "${name}" (its MTU is ${hop.mtu}, wanted ${wanted}): ` +
      'senders are told to make them smaller, which takes them time (raise the MTU between servers)',
  ]
}

/** The most that any of its services adds to a packet. */
function overheadOf({ name, address }: DesiredBackend, { services }: DesiredBalancer): number {
  const used = services.filter(({ backends }) => backends.includes(name)).map(({ encapsulation }) => encapsulation)
  return Math.max(0, ...used.map((encapsulation) => bytesOf(encapsulation, address.family)))
}

function bytesOf(encapsulation: Encapsulation, family: 4 | 6): number {
  if (encapsulation === 'ipip') return IP_BYTES[family]
  return IP_BYTES[family] + GUE_BYTES + (family === 4 ? HOP_BYTES : 0)
}
