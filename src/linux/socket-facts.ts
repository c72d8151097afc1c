import { closeSync, fstatSync } from 'node:fs'
import {
  hasPeer,
  isIpv6Only,
  isListening,
  localName,
  sharesPort,
  socketCookie,
  socketDomain,
  socketNamespace,
  socketProtocol,
} from '../bpf/ffi/socket.ts'
import { addressAt, formatAddress } from '../net/address.ts'

/** What the kernel says of an open UDP or TCP socket. */
export interface SocketFacts {
  readonly protocol: 'tcp' | 'udp'
  readonly family: 4 | 6
  /** Of IPv6, and takes IPv4 too. */
  readonly dualStack: boolean
  /** Is, or may be, of a group with `SO_REUSEPORT`. */
  readonly sharesPort: boolean
  readonly state: 'listen' | 'connected' | 'open'
  /** What it is bound to; `0.0.0.0` or `::`, and port 0, if it is not. */
  readonly address: string
  readonly port: number
  /** Names it for good. */
  readonly cookie: bigint
  /** Inode of its network namespace; undefined if this process may not know it. */
  readonly netns: number | undefined
}

const FAMILIES: Readonly<Record<number, 4 | 6>> = { 2: 4, 10: 6 }
const PROTOCOLS: Readonly<Record<number, 'tcp' | 'udp'>> = { 6: 'tcp', 17: 'udp' }

/** Where `struct sockaddr_in` and `sockaddr_in6` have the address; both have the port at 2. */
const ADDRESSES = { 4: 4, 6: 8 } as const

/** Undefined if a descriptor is anything else than a UDP or TCP socket of IPv4 or IPv6. */
export function readSocketFacts(fd: number): SocketFacts | undefined {
  const family = FAMILIES[socketDomain(fd)]
  const protocol = PROTOCOLS[socketProtocol(fd)]
  const name = localName(fd)
  const cookie = socketCookie(fd)
  if (family === undefined || protocol === undefined || typeof name === 'number' || typeof cookie === 'number')
    return undefined
  const state = isListening(fd) ? 'listen' : hasPeer(fd) ? 'connected' : 'open'
  return {
    protocol,
    family,
    dualStack: family === 6 && !isIpv6Only(fd),
    sharesPort: sharesPort(fd),
    state,
    address: formatAddress(addressAt(name, ADDRESSES[family], family)),
    port: new DataView(name.buffer).getUint16(2),
    cookie,
    netns: namespaceOf(fd),
  }
}

function namespaceOf(socket: number): number | undefined {
  const fd = socketNamespace(socket)
  if (fd < 0) return undefined
  try {
    return fstatSync(fd).ino
  } finally {
    closeSync(fd)
  }
}
