import type { Address } from '../net/address.ts'
import type { Prefix } from '../net/prefix.ts'
import type { Probe } from '../probes/index.ts'

export type Encapsulation = 'ipip' | 'gue'

export type Protocol = 'tcp' | 'udp'

/** A server, and where packets for it are sent. */
export interface DesiredBackend {
  readonly name: string
  readonly address: Address
  /** Its share of the buckets, in proportion to the weights of the others; 0 drains it. */
  readonly weight: number
  /** Marks the QUIC connection ids that it gives out, 0 to 65,535. */
  readonly serverId: number
}

/** How it is found out that a backend serves a service. Times are milliseconds. */
export interface DesiredCheck {
  readonly probe: Probe
  readonly everyMs: number
  readonly timeoutMs: number
  /** Successes in a row that bring a backend back, and failures that take it out. */
  readonly rise: number
  readonly fall: number
}

/** What clients talk to. */
export interface DesiredService {
  readonly id: string
  readonly prefix: Prefix
  readonly protocols: readonly Protocol[]
  readonly ports: 'all' | readonly number[]
  /** Names of its backends, sorted. */
  readonly backends: readonly string[]
  readonly encapsulation: Encapsulation
  /** Packets go where their QUIC connection id says. */
  readonly quic: boolean
  /** All fragments of a datagram reach one server; otherwise fragments are dropped. */
  readonly fragments: boolean
  readonly check?: DesiredCheck
}

export interface FollowLoad {
  readonly everyMs: number
  /** Rows of each table that may move for it each time. */
  readonly buckets: number
}

/** What the balancer shall be: a configuration that was checked, independent of the kernel and of the file it came from. */
export interface DesiredBalancer {
  /** Key of the hash of flows, 16 bytes, the same on every machine of the fleet. */
  readonly key: Uint8Array
  /** Rows of a bucket table, a power of two. */
  readonly buckets: number
  /** UDP port of GUE. */
  readonly guePort: number
  /** Milliseconds after which a bucket's previous owner is forgotten, whatever it says. */
  readonly transitionMs: number
  readonly backends: readonly DesiredBackend[]
  readonly services: readonly DesiredService[]
  /** Where machines of the fleet tell each other their tables; nowhere if absent: then this machine decides by itself. */
  readonly fleet?: DesiredFleet
  /** Whether and how shares follow the load of backends. */
  readonly followLoad?: FollowLoad
}

/** Which machines agree on tables: backends, and others that only balance. */
export interface DesiredFleet {
  readonly port: number
  readonly balancers?: readonly DesiredMachine[]
  /** Backends take no part: they run no Seawall. */
  readonly isOfBalancers?: true
}

export interface DesiredMachine {
  readonly name: string
  /** As text, IPv6 by RFC 5952. */
  readonly address: string
}
