import { closeSync } from 'node:fs'
import koffi from 'koffi'
import { openSocket, orErrno, send } from './libc.ts'

const AF_NETLINK = 16
/** `SOCK_RAW | SOCK_CLOEXEC` */
const RAW = 3 | 0x8_0000
const NETLINK_SOCK_DIAG = 4
const SOCK_DIAG_BY_FAMILY = 20
/** `NLM_F_REQUEST | NLM_F_DUMP` */
const DUMP = 0x301
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const IPPROTO_TCP = 6

/** `struct nlmsghdr`, and `struct inet_diag_req_v2` behind it. */
const HEADER = 16
const REQUEST = HEADER + 56
/** What the kernel sends at a time at most. */
const BUFFER = 65_536

const libc = koffi.load('libc.so.6')
const recvFunction = libc.func('long recv(int fd, void *data, size_t size, int flags)')

/**
 * The TCP sockets of a family (AF_INET is 2, AF_INET6 10) that are in some states, in the network namespace of the calling thread: a `struct
 * inet_diag_msg` each (sock_diag(7)). Those that listen are found without a look at connections.
 *
 * @param states a bit for each state of net/tcp_states.h
 * @returns them, or the negated errno
 */
export function dumpTcpSockets(family: 2 | 10, states: number): Uint8Array[] | number {
  const fd = openSocket(AF_NETLINK, RAW, NETLINK_SOCK_DIAG)
  if (fd < 0) return fd
  try {
    const sent = send(fd, requestOf(family, states))
    return sent < 0 ? sent : receive(fd)
  } finally {
    closeSync(fd)
  }
}

function requestOf(family: number, states: number): Uint8Array {
  const request = new Uint8Array(REQUEST)
  const view = new DataView(request.buffer)
  view.setUint32(0, REQUEST, true)
  view.setUint16(4, SOCK_DIAG_BY_FAMILY, true)
  view.setUint16(6, DUMP, true)
  view.setUint8(HEADER, family)
  view.setUint8(HEADER + 1, IPPROTO_TCP)
  view.setUint32(HEADER + 4, states, true)
  return request
}

function receive(fd: number): Uint8Array[] | number {
  const found: Uint8Array[] = []
  const buffer = new Uint8Array(BUFFER)
  const view = new DataView(buffer.buffer)
  for (;;) {
    const size = orErrno(Number(recvFunction(fd, buffer, BUFFER, 0)))
    if (size < 0) return size
    for (let at = 0; at < size; ) {
      const length = view.getUint32(at, true)
      const type = view.getUint16(at + 4, true)
      if (type === NLMSG_DONE) return found
      if (type === NLMSG_ERROR) return view.getInt32(at + HEADER, true)
      found.push(buffer.slice(at + HEADER, at + length))
      at += Math.ceil(length / 4) * 4
    }
  }
}
