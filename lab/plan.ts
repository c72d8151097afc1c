import type { End, Link, Node, Route, Topology } from './topology.ts'

/** What has to be done in one namespace, after all of them exist. */
export interface NodePlan {
  readonly node: string
  /** Files of `/proc/sys/net` and what to write into them, before links exist. */
  readonly sysctls: readonly (readonly [string, string])[]
  /** iproute2 batch lines that make the links that begin here; the other end goes to its namespace at once. */
  readonly links: readonly string[]
  /** iproute2 batch lines for addresses, neighbours and routes. */
  readonly settings: readonly string[]
}

/**
 * Turns a topology into commands. Neighbours are permanent and duplicate address detection and router solicitations are off,
 * so that the only packets in the lab are those that somebody sends.
 *
 * @param netnsOf the namespace of a node.
 */
export function plan(topology: Topology, netnsOf: (node: string) => string): NodePlan[] {
  const macs = macAddresses(topology.links)
  return topology.nodes.map((node) => ({
    node: node.name,
    sysctls: sysctls(node),
    links: topology.links.filter(({ ends }) => ends[0].node === node.name).map((link) => addLink(link, macs, netnsOf)),
    settings: [
      'link set lo up',
      ...(node.addresses ?? []).map((address) => `address add ${address} dev lo`),
      ...topology.links.flatMap(({ ends }) => [
        ...(ends[0].node === node.name ? endSettings(ends[0], ends[1], macs) : []),
        ...(ends[1].node === node.name ? endSettings(ends[1], ends[0], macs) : []),
      ]),
      ...(node.routes ?? []).map(addRoute),
    ],
  }))
}

/** A locally administered MAC address for each end, the same in every run. */
function macAddresses(links: readonly Link[]): Map<End, string> {
  const hex = (n: number) => n.toString(16).padStart(2, '0')
  return new Map(
    links.flatMap(({ ends }, link) =>
      ends.map((end, side) => [end, `02:00:00:${hex(link >> 8)}:${hex(link & 255)}:0${side + 1}`]),
    ),
  )
}

function sysctls(node: Node): [string, string][] {
  const forwarding = node.forwards === true ? '1' : '0'
  return [
    ['ipv4/ip_forward', forwarding],
    ['ipv6/conf/all/forwarding', forwarding],
    ['ipv4/conf/all/rp_filter', '0'],
    ['ipv4/conf/default/rp_filter', '0'],
    ['ipv4/fib_multipath_hash_policy', '1'],
    ['ipv6/fib_multipath_hash_policy', '1'],
    ['ipv6/conf/default/accept_dad', '0'],
    ['ipv6/conf/default/accept_ra', '0'],
    ['ipv6/conf/default/router_solicitations', '0'],
    ['ipv6/conf/default/addr_gen_mode', '1'],
  ]
}

function addLink(
  { ends, queues = 1, mtu = 1_500 }: Link,
  macs: ReadonlyMap<End, string>,
  netnsOf: (node: string) => string,
): string {
  const [a, b] = ends
  const counts = `numrxqueues ${queues} numtxqueues ${queues}`
  return (
    `link add ${a.interface} address ${macs.get(a)} mtu ${mtu} ${counts} type veth ` +
    `peer name ${b.interface} mtu ${mtu} address ${macs.get(b)} ${counts} netns ${netnsOf(b.node)}`
  )
}

function endSettings(own: End, other: End, macs: ReadonlyMap<End, string>): string[] {
  return [
    ...own.addresses.map((a) => `address add ${a} dev ${own.interface}${a.includes(':') ? ' nodad' : ''}`),
    `link set ${own.interface} up`,
    ...other.addresses.map(
      (a) => `neigh replace ${a.split('/')[0]} lladdr ${macs.get(other)} dev ${own.interface} nud permanent`,
    ),
  ]
}

function addRoute({ to, via }: Route): string {
  const [first, ...others] = via
  if (first === undefined) return `route add blackhole ${to}`
  if (others.length === 0) return `route add ${to} via ${first}`
  return `route add ${to} ${via.map((hop) => `nexthop via ${hop}`).join(' ')}`
}
