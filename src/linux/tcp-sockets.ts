import { dumpTcpSockets } from '../bpf/ffi/sock-diag.ts'
import { addressAt, formatAddress } from '../net/address.ts'

/** A TCP socket as the kernel tells of it by sock_diag(7). */
export interface TcpSocket {
  readonly address: string
  readonly port: number
  readonly peer: string
  readonly peerPort: number
  /** The kernel's number of it. */
  readonly inode: number
  /** Connections that wait to be accepted by one that listens; bytes that wait to be read from another. */
  readonly waiting: number
}

/** Bits of states: `1 << TCP_SYN_RECV` and `1 << TCP_LISTEN` of net/tcp_states.h. */
const STATES = { handshake: 1 << 3, listen: 1 << 10 } as const

const FAMILIES = [
  [4, 2],
  [6, 10],
] as const

/** Offsets in `struct inet_diag_msg` of linux/inet_diag.h. */
const [PORT, PEER_PORT, ADDRESS, PEER, RECEIVE_QUEUE, INODE] = [4, 6, 8, 24, 56, 68]

/**
 * TCP sockets of the network namespace of the calling thread in a state, both families. Undefined if the kernel has no sock_diag.
 *
 * @param state `listen` takes some microseconds, whatever the connections; `handshake` a look at all of them
 */
export function readTcpSockets(state: keyof typeof STATES): TcpSocket[] | undefined {
  const all: TcpSocket[] = []
  for (const [family, number] of FAMILIES) {
    const messages = dumpTcpSockets(number, STATES[state])
    if (typeof messages === 'number') return undefined
    all.push(...messages.map((message) => parse(message, family)))
  }
  return all
}

function parse(message: Uint8Array, family: 4 | 6): TcpSocket {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  return {
    address: formatAddress(addressAt(message, ADDRESS, family)),
    port: view.getUint16(PORT),
    peer: formatAddress(addressAt(message, PEER, family)),
    peerPort: view.getUint16(PEER_PORT),
    inode: view.getUint32(INODE, true),
    waiting: view.getUint32(RECEIVE_QUEUE, true),
  }
}
