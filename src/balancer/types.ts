/** Plain values that the balancer hands out: all of them survive JSON, so the local API sends them as they are. */

/** What came from outside for a service or a backend, summed over all CPUs. */
export interface FlowCount {
  readonly packets: number
  /** Of IP packets, headers included. */
  readonly bytes: number
  /** Packets that were looked at here while their bucket was in transition. */
  readonly transitions: number
  /** Packets of those that were sent on to the bucket's previous owner. */
  readonly previous: number
}

/** A backend's part of a service. */
export interface Share {
  readonly backend: string
  /** Buckets that it owns. */
  readonly buckets: number
  /** Buckets that it owned before, and may still have connections of. */
  readonly previous: number
  /** Failed its check for this service. */
  readonly down: boolean
  /** What load multiplies its weight with; 1 unless shares follow load. */
  readonly factor: number
}

export interface ServiceStatus {
  readonly id: string
  /** A prefix; a single address without its length. */
  readonly address: string
  readonly protocols: readonly ('tcp' | 'udp')[]
  readonly ports: 'all' | readonly number[]
  readonly encapsulation: 'ipip' | 'gue'
  readonly quic: boolean
  readonly fragments: boolean
  /** Rows of its table, all of them. */
  readonly buckets: number
  /** Rows that have a previous owner. */
  readonly inTransition: number
  readonly shares: readonly Share[]
  readonly count: FlowCount
}

/**
 * `active`; `draining`: it owns no bucket any more or soon, but may have connections; `drained`: it has none; `down`: its checks fail for
 * all of its services.
 */
export type BackendState = 'active' | 'draining' | 'drained' | 'down'

export interface BackendStatus {
  readonly name: string
  readonly address: string
  /** It is this machine. */
  readonly self: boolean
  readonly weight: number
  readonly state: BackendState
  readonly serverId: number
  /** Rows of all tables that it owns, and that it owned before. */
  readonly buckets: number
  readonly previous: number
  /** Whether route and link address are known; if not, packets for it are dropped. */
  readonly resolved: boolean
  /** Last failure of its checks, by service. */
  readonly failures: Readonly<Record<string, string>>
  readonly count: FlowCount
}

export interface BalancerStatus {
  /** Name of the backend that this machine is, if it is one. */
  readonly self?: string
  /** Number of the table in force; it grows with every change. */
  readonly version: number
  /** Who decides about tables: name of a backend or another machine of the fleet; absent without one. */
  readonly conductor?: string
  readonly services: number
  readonly backends: number
  /** Tables, and rows of each. */
  readonly pools: number
  readonly buckets: number
  /** Memory of maps that packets are looked up and counted in. */
  readonly bytes: number
  /** Packets by what became of them; every packet is in exactly one. */
  readonly outcomes: Readonly<Record<string, number>>
}

/** What a change of the configuration does to the flows of a table. */
export interface Impact {
  /** Services that use the table. */
  readonly services: readonly string[]
  readonly buckets: number
  /** Buckets that get another owner at once, and those that wait for the slot of a previous owner. */
  readonly moved: number
  readonly deferred: number
}

/** Which server gets a packet, and why. */
export interface Where {
  /** What the packet is, in short. */
  readonly packet: string
  /** Absent: it is for no service. */
  readonly service?: string
  readonly bucket?: number
  /** Who gets it, and whom that one sends it to if it does not know the flow. */
  readonly backend?: string
  readonly previous?: string
  readonly why: string
}
