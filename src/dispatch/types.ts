import type { FullBindingWords } from './binding.ts'
import type { QuicPlace } from './connection-id.ts'
import type { DestinationKey } from './directory.ts'

/** Plain values that survive JSON. */

/** A binding in force. */
export interface BindingStatus extends FullBindingWords {
  /** Made by a command, rather than by the configuration. */
  readonly dynamic: boolean
  /** Connections (TCP) or datagrams (UDP) that it has decided about. */
  readonly count: number
}

/** A socket that gets the traffic of a destination. */
export interface SocketStatus {
  /** What it is bound to. */
  readonly address: string
  readonly port: number
  /** Of the kernel: `ss -e` shows it as hexadecimal number. */
  readonly cookie: string
  /** Process that had it when it was registered. */
  readonly pid?: number
  /** The cookie that its clients are to send, 1 to 65535; absent unless the label is bound with `flows: cookie`. */
  readonly flowCookie?: number
}

/** One that gets the traffic of a destination, or what is left of it. */
export interface DestinationSocket extends SocketStatus {
  readonly generation: number
}

/** The sockets of a label, of one protocol and family. */
export interface DestinationStatus extends DestinationKey {
  /** Bindings that lead here. */
  readonly bindings: number
  /** The generation that gets what is new; absent if none does. */
  readonly generation?: number
  /** Those that are open, of all generations. */
  readonly sockets: readonly DestinationSocket[]
  /** Connections or datagrams that got a socket of the generation that worked. */
  readonly dispatched: number
  /** Datagrams that got the socket which has their flow. */
  readonly kept: number
  /** Came while no socket was open. */
  readonly missing: number
  /** Refused as the socket cannot take them: it is connected by now. */
  readonly unusable: number
  /** Flows that began to stay with a socket as it answered. */
  readonly noted: number
  /** Absent unless it goes by connection ids, or did. */
  readonly quic?: QuicCounts
}

/** Datagrams by their connection id, each in one of these: all but the named ones go by addresses. */
export interface QuicCounts {
  /** Got the socket that the id names. */
  readonly named: number
  /** Begin a connection, by an id that the client has chosen, or are of an unknown version. */
  readonly opening: number
  /** With an id of another kind. */
  readonly foreign: number
  /** With an id like ours that is not: forged, damaged, or of a generation that has gone. */
  readonly forged: number
  /** With an id of a socket that is closed. */
  readonly closed: number
  /** End before their header does. */
  readonly malformed: number
}

/** What there is of dispatch in a network namespace. */
export interface DispatchStatus {
  readonly bindings: number
  readonly destinations: readonly DestinationStatus[]
}

/** What became of a change of bindings. */
export interface BindResult {
  readonly added: number
  readonly removed: number
  /** Bindings in force now. */
  readonly bindings: number
  /** Labels bound with `flows: quic` whose sockets were registered before, and go by addresses until they are registered again; absent if none is. */
  readonly unsteered?: readonly string[]
}

/** A socket, and what is in the connection ids that lead to it. */
export interface SteeredSocket extends SocketStatus, Omit<DestinationKey, 'label'> {
  /** Absent unless the label is bound with `flows: quic`. */
  readonly quic?: QuicPlace
}

/** What became of sockets that were to be registered. */
export interface RegisterResult {
  readonly label: string
  /** That the sockets are of. */
  readonly generation: number
  /** Whether it gets what is new; otherwise it waits to be promoted. */
  readonly works: boolean
  readonly sockets: readonly (SteeredSocket & { readonly known: boolean })[]
  /** False if no binding names the label yet. */
  readonly bound: boolean
}

/** `waits` until it is promoted, `works`: gets what is new, `drains`: keeps what it has. */
export type GenerationState = 'waits' | 'works' | 'drains'

/** The sockets of one run of a server, of a label. */
export interface GenerationStatus {
  readonly label: string
  /** Counted within the label. */
  readonly number: number
  readonly state: GenerationState
  /** When it was begun, milliseconds since 1970. */
  readonly since: number
  /** Processes that registered its sockets and are there still. */
  readonly processes: readonly number[]
  /** Open, of all protocols and families. */
  readonly sockets: readonly SteeredSocket[]
  /** TCP connections that clients have with these processes and their children. */
  readonly connections: number
  /** UDP flows that stay with it. */
  readonly flows: number
}

/** What became of a change of generations. */
export interface PromoteResult {
  readonly label: string
  /** That gets what is new; absent if none does. */
  readonly generation?: number
  /** That did before; absent if none did. */
  readonly before?: number
}
