/** A network of namespaces, described by values only. {@link Lab} builds it. */
export interface Topology {
  readonly nodes: readonly Node[]
  readonly links: readonly Link[]
}

/** One machine: a network namespace. */
export interface Node {
  readonly name: string
  /** Forwards packets between its links. */
  readonly forwards?: boolean
  /** Addresses of its own, on loopback, with prefix length. */
  readonly addresses?: readonly string[]
  readonly routes?: readonly Route[]
}

/** Where packets to a prefix go: to one next hop, over several in equal parts, or nowhere. */
export interface Route {
  /** A prefix; `0.0.0.0/0` and `::/0` are the default routes. */
  readonly to: string
  /** Addresses of next hops. None: the packets vanish without an answer. */
  readonly via: readonly string[]
}

/** A cable: a veth pair with one end in each of two nodes. */
export interface Link {
  readonly ends: readonly [End, End]
  /** Queues of each end in each direction, each with a ring of 256 packets; default 1. */
  readonly queues?: number
  /** Bytes of the longest IP packet, default 1500. */
  readonly mtu?: number
}

export interface End {
  readonly node: string
  /** Name of the interface, unique in its node, at most 15 bytes. */
  readonly interface: string
  /** Addresses with prefix length. */
  readonly addresses: readonly string[]
}
