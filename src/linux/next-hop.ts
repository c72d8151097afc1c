import { command } from './command.ts'
import { type InterfaceState, ipBatch, listInterfaces } from './interface.ts'
import type { Netns } from './netns.ts'

/** Where a frame for an address goes: out of an interface, to a MAC address. */
export interface NextHop {
  readonly ifindex: number
  readonly mtu: number
  /** MAC address of the interface as text. */
  readonly srcMac: string
  /** MAC address of the gateway, or of the address itself, as text; undefined while the kernel does not know it. */
  readonly dstMac: string | undefined
  /** Address that the kernel would send from, as it writes it. */
  readonly source: string | undefined
  readonly neighbour: Neighbour
}

/** Who is next on a way: the gateway, or the address itself. */
export interface Neighbour {
  readonly address: string
  /** Name of the interface. */
  readonly dev: string
  /** The kernel knows its MAC address, and has heard of it lately or is about to ask. */
  readonly isFresh: boolean
}

interface RouteJson {
  readonly type?: string
  readonly dst: string
  readonly gateway?: string
  /** A gateway of the other family (RFC 5549). */
  readonly via?: { readonly host: string }
  readonly dev: string
  readonly prefsrc?: string
}

interface NeighbourJson {
  readonly dst: string
  readonly dev: string
  readonly lladdr?: string
  readonly state: readonly string[]
}

/** Neighbours in these states have no address that can be used. */
const USELESS: readonly string[] = ['FAILED', 'INCOMPLETE', 'NONE']

const isUsable = ({ lladdr, state }: NeighbourJson): boolean =>
  lladdr !== undefined && !state.some((one) => USELESS.includes(one))

/**
 * The next hop of each address by the kernel's routes and neighbours; none for addresses of this machine or without a route. One run
 * of iproute2 for all of them.
 *
 * @param addresses as the kernel writes them: dotted quad, or RFC 5952.
 */
export function nextHops(netns: Netns, addresses: readonly string[]): ReadonlyMap<string, NextHop> {
  if (addresses.length === 0) return new Map()
  const interfaces = new Map(listInterfaces(netns).map((one) => [one.name, one]))
  const lines = askKernel(netns, ['neigh show', ...addresses.map((address) => `route get ${address}`)])
  const neighbours = new Map<string, NeighbourJson>()
  const routes: RouteJson[] = []
  for (const line of lines) {
    for (const one of JSON.parse(line) as (RouteJson & NeighbourJson)[]) {
      if (one.state === undefined) routes.push(one)
      else if (isUsable(one)) neighbours.set(placeOf(one.dev, one.dst), one)
    }
  }
  return new Map(routes.flatMap((route) => hopOf(route, interfaces, neighbours)))
}

/** Answers come one a line; what fails, such as an address without a route, has none. */
function askKernel(netns: Netns, commands: readonly string[]): string[] {
  const where = netns === null ? [] : ['-n', netns]
  // The exit code tells that one of them failed, which is no failure of the whole.
  const script = 'ip "$@" -json -force -batch - 2>/dev/null || true'
  const output = command('sh', ['-c', script, 'ip', ...where], { input: `${commands.join('\n')}\n` })
  return output.split('\n').filter((line) => line.startsWith('['))
}

function hopOf(
  { type, dst, gateway, via, dev, prefsrc }: RouteJson,
  interfaces: ReadonlyMap<string, InterfaceState>,
  neighbours: ReadonlyMap<string, NeighbourJson>,
): [string, NextHop][] {
  const found = interfaces.get(dev)
  if (found === undefined || type !== undefined) return []
  const address = gateway ?? via?.host ?? dst
  const known = neighbours.get(placeOf(dev, address))
  const neighbour = { address, dev, isFresh: known !== undefined && !known.state.includes('STALE') }
  const { ifindex, mtu, mac: srcMac } = found
  return [[dst, { ifindex, mtu, srcMac, dstMac: known?.lladdr, source: prefsrc, neighbour }]]
}

const placeOf = (dev: string, address: string): string => `${dev} ${address}`

/**
 * Has the kernel ask neighbours for their MAC addresses, those that it does not know or has not heard of lately, as it does by itself only
 * for packets of its own. Answers come later.
 */
export function askNeighbours(netns: Netns, hops: Iterable<NextHop>): void {
  const lines = [...hops].flatMap(({ neighbour: { address, dev, isFresh } }) =>
    isFresh ? [] : [`neigh replace ${address} dev ${dev} nud none use`],
  )
  ipBatch(netns, [...new Set(lines)])
}
