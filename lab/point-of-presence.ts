import type { Link, Node, Route, Topology } from './topology.ts'

/** The address of the point of presence, the same on every edge. */
export const SERVICE4 = '192.0.2.53'
export const SERVICE6 = '2001:db8:53::53'

/** Where legitimate clients live. */
export const CLIENTS4 = '203.0.113.0/24'
export const CLIENTS6 = '2001:db8:c::/64'

/** How many addresses of each family the clients use: `.10`, `.11`, … */
export const CLIENT_ADDRESSES = 8

/** Queues of an edge's cable. */
export const EDGE_QUEUES = 2

export interface PointOfPresenceOptions {
  /** Servers that own the service addresses, default 1. The router spreads connections over them by ECMP. */
  readonly edges?: number
  /** Bytes of the longest IP packet on the edges' cables, default 1500; what is encapsulated needs more than what comes in. */
  readonly edgeMtu?: number
  /** Servers behind the edges, default 0. */
  readonly origins?: number
}

/**
 * The standard laboratory: a router with the good clients on one port, the rest of the Internet (a botnet) on another, and
 * the edges and origins on the others. The botnet's port is the default route, so answers to spoofed addresses end there.
 */
export function pointOfPresence(options: PointOfPresenceOptions = {}): Topology {
  const edges = numbered('edge', options.edges ?? 1)
  const origins = numbered('origin', options.origins ?? 0)
  const servers = [...edges.map((number) => edge(number, options.edgeMtu ?? 1_500)), ...origins.map(origin)]
  return {
    nodes: [clients.node, botnet.node, router(edges), ...servers.map((server) => server.node)],
    links: [clients.link, botnet.link, ...servers.map((server) => server.link)],
  }
}

interface Leaf {
  readonly node: Node
  readonly link: Link
}

function numbered(name: string, count: number): number[] {
  if (count < 0 || count > 100) throw new RangeError(`Cannot build ${count} ${name}s: wanted 0 to 100`)
  return Array.from({ length: count }, (_, index) => index + 1)
}

function defaultRoutes(via4: string, via6: string): Route[] {
  return [
    { to: '0.0.0.0/0', via: [via4] },
    { to: '::/0', via: [via6] },
  ]
}

function cable(node: string, addresses: readonly string[], routerAddresses: readonly string[]): Link {
  return {
    ends: [
      { node, interface: 'eth0', addresses },
      { node: 'router', interface: node, addresses: routerAddresses },
    ],
  }
}

const clients: Leaf = {
  node: { name: 'clients', routes: defaultRoutes('203.0.113.1', '2001:db8:c::1') },
  link: cable(
    'clients',
    Array.from({ length: CLIENT_ADDRESSES }, (_, i) => [`203.0.113.${10 + i}/24`, `2001:db8:c::${10 + i}/64`]).flat(),
    ['203.0.113.1/24', '2001:db8:c::1/64'],
  ),
}

const botnet: Leaf = {
  node: {
    name: 'botnet',
    routes: [
      { to: '0.0.0.0/0', via: [] },
      { to: '::/0', via: [] },
    ],
  },
  link: cable('botnet', ['198.18.0.2/24', '2001:db8:b::2/64'], ['198.18.0.1/24', '2001:db8:b::1/64']),
}

function edge(number: number, mtu: number): Leaf {
  const name = `edge${number}`
  return {
    node: {
      name,
      addresses: [`${SERVICE4}/32`, `${SERVICE6}/128`],
      routes: defaultRoutes(`10.0.${number}.1`, `fd00:0:0:${number}::1`),
    },
    link: {
      ...cable(
        name,
        [`10.0.${number}.2/24`, `fd00:0:0:${number}::2/64`],
        [`10.0.${number}.1/24`, `fd00:0:0:${number}::1/64`],
      ),
      queues: EDGE_QUEUES,
      mtu,
    },
  }
}

function origin(number: number): Leaf {
  const name = `origin${number}`
  return {
    node: { name, routes: defaultRoutes(`10.1.${number}.1`, `fd00:0:1:${number}::1`) },
    link: cable(
      name,
      [`10.1.${number}.2/24`, `fd00:0:1:${number}::2/64`],
      [`10.1.${number}.1/24`, `fd00:0:1:${number}::1/64`],
    ),
  }
}

function router(edges: readonly number[]): Node {
  const service: Route[] =
    edges.length === 0
      ? []
      : [
          { to: `${SERVICE4}/32`, via: edges.map((n) => `10.0.${n}.2`) },
          { to: `${SERVICE6}/128`, via: edges.map((n) => `fd00:0:0:${n}::2`) },
        ]
  return { name: 'router', forwards: true, routes: [...service, ...defaultRoutes('198.18.0.2', '2001:db8:b::2')] }
}
