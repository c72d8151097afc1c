import { closeSync } from 'node:fs'
import koffi from 'koffi'
import { openSocket } from './libc.ts'

const SOL_SOCKET = 1
const SO_REUSEPORT = 15
const SO_ATTACH_BPF = 50
const SO_ATTACH_REUSEPORT_EBPF = 52
const SO_GET_FILTER = 26
const SO_DETACH_FILTER = 27
const SO_ACCEPTCONN = 30
const SO_PROTOCOL = 38
const SO_DOMAIN = 39
const SO_COOKIE = 57
const SO_DETACH_REUSEPORT_BPF = 68
const SO_NETNS_COOKIE = 71
const IPPROTO_IPV6 = 41
const IPV6_V6ONLY = 26
const SIOCGSKNS = 0x894c

const AF_INET = 2
/** `SOCK_DGRAM | SOCK_CLOEXEC` */
const SOCK_DGRAM_CLOEXEC = 0x8_0002

/** Bytes of the longest address of IP, `struct sockaddr_in6`. */
const ADDRESS_SIZE = 28

const libc = koffi.load('libc.so.6')
const getsockopt = libc.func('int getsockopt(int fd, int level, int name, _Out_ void *value, _Inout_ uint32_t *length)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')
const getsockname = libc.func('int getsockname(int fd, _Out_ void *address, _Inout_ uint32_t *length)')
const getpeername = libc.func('int getpeername(int fd, _Out_ void *address, _Inout_ uint32_t *length)')
const ioctl = libc.func('int ioctl(int fd, unsigned long request)')

/** `SO_DOMAIN` (AF_INET is 2, AF_INET6 10) and `SO_PROTOCOL` of a socket, or the negated errno. */
export const socketDomain = (socket: number): number => getOption(socket, SO_DOMAIN)
export const socketProtocol = (socket: number): number => getOption(socket, SO_PROTOCOL)

/** Whether a TCP socket waits for connections. */
export const isListening = (socket: number): boolean => getOption(socket, SO_ACCEPTCONN) === 1

/** Whether a socket of IPv6 takes no IPv4. */
export const isIpv6Only = (socket: number): boolean => getOption(socket, IPV6_V6ONLY, IPPROTO_IPV6) === 1

/** Whether others may be bound to the same address and port, and share what comes. */
export const sharesPort = (socket: number): boolean => getOption(socket, SO_REUSEPORT) === 1

/** Whether a socket is connected to a peer. */
export function hasPeer(socket: number): boolean {
  return getpeername(socket, new Uint8Array(ADDRESS_SIZE), Uint32Array.of(ADDRESS_SIZE)) === 0
}

/** What a socket is bound to: `struct sockaddr_in` or `sockaddr_in6`, or the negated errno. */
export function localName(socket: number): Uint8Array | number {
  const address = new Uint8Array(ADDRESS_SIZE)
  return getsockname(socket, address, Uint32Array.of(ADDRESS_SIZE)) === 0 ? address : -koffi.errno()
}

/** What names a socket for good, or the negated errno. */
export const socketCookie = (socket: number): bigint | number => getCookie(socket, SO_COOKIE)

/** What names the network namespace of the calling thread for good, or the negated errno. */
export function namespaceCookie(): bigint | number {
  const socket = openSocket(AF_INET, SOCK_DGRAM_CLOEXEC)
  if (socket < 0) return socket
  try {
    return getCookie(socket, SO_NETNS_COOKIE)
  } finally {
    closeSync(socket)
  }
}

/** A descriptor of the network namespace that a socket is in, or the negated errno. */
export function socketNamespace(socket: number): number {
  const fd = ioctl(socket, SIOCGSKNS) as number
  return fd >= 0 ? fd : -koffi.errno()
}

/** Whether a socket has a filter: the kernel counts instructions of classic ones, and shows no others. */
export function hasFilter(socket: number): boolean {
  const length = Uint32Array.of(0)
  return getsockopt(socket, SOL_SOCKET, SO_GET_FILTER, null, length) !== 0 || length[0] !== 0
}

/** Makes a program the filter of a socket. @returns 0, or the negated errno. */
export function attachFilter(socket: number, program: number): number {
  return setOption(socket, SO_ATTACH_BPF, program)
}

/** Takes the filter away. @returns 0, or the negated errno. */
export function detachFilter(socket: number): number {
  return setOption(socket, SO_DETACH_FILTER, 0)
}

/**
 * Has a program choose among all sockets that are bound to the same with `SO_REUSEPORT`, also among such as come later. @returns 0, or the
 * negated errno: EINVAL if the socket was bound without.
 */
export function attachToGroup(socket: number, program: number): number {
  return setOption(socket, SO_ATTACH_REUSEPORT_EBPF, program)
}

/** Has the kernel choose among them. @returns 0, or the negated errno. */
export function detachFromGroup(socket: number): number {
  return setOption(socket, SO_DETACH_REUSEPORT_BPF, 0)
}

function getOption(fd: number, name: number, level = SOL_SOCKET): number {
  const value = new Int32Array(1)
  return getsockopt(fd, level, name, value, Uint32Array.of(4)) === 0 ? value[0]! : -koffi.errno()
}

function getCookie(fd: number, name: number): bigint | number {
  const value = new BigUint64Array(1)
  return getsockopt(fd, SOL_SOCKET, name, value, Uint32Array.of(8)) === 0 ? value[0]! : -koffi.errno()
}

function setOption(fd: number, name: number, value: number): number {
  return setsockopt(fd, SOL_SOCKET, name, Int32Array.of(value), 4) === 0 ? 0 : -koffi.errno()
}
