import koffi from 'koffi'
import { openSocket, orErrno, send } from './libc.ts'
import { addressOf } from './memory.ts'

const AF_UNIX = 1
/** `SOCK_CLOEXEC | SOCK_NONBLOCK`, and with them `SOCK_SEQPACKET` and `SOCK_DGRAM`. */
const PLAIN = 0x8_0000 | 0x800
const [SEQUENCED, DATAGRAM] = [5 | PLAIN, 2 | PLAIN]
const BACKLOG = 64
const SOL_SOCKET = 1
const [SCM_RIGHTS, SCM_CREDENTIALS] = [1, 2]
const [SO_PASSCRED, SO_PEERCRED] = [16, 17]
const MSG_NOSIGNAL = 0x4000
const MSG_CMSG_CLOEXEC = 0x4000_0000

/** `struct sockaddr_un`, `struct msghdr`, `struct iovec` and `struct cmsghdr` of 64-bit Linux. */
const [NAME, HEADER, VECTOR, CONTROL_HEADER] = [110, 56, 16, 16]
const [HEADER_IOV, HEADER_IOV_COUNT, HEADER_CONTROL, HEADER_CONTROL_SIZE] = [16, 24, 32, 40]

/** Descriptors that one message may have: the kernel's SCM_MAX_FD. */
const MOST_DESCRIPTORS = 253
/** A control message with `struct ucred`, and padding. */
const CREDENTIALS = CONTROL_HEADER + 16

const libc = koffi.load('libc.so.6')
const bindFunction = libc.func('int bind(int fd, const void *address, uint32_t length)')
const connectFunction = libc.func('int connect(int fd, const void *address, uint32_t length)')
const listenFunction = libc.func('int listen(int fd, int backlog)')
const accept4 = libc.func('int accept4(int fd, void *address, void *length, int flags)')
const recvmsg = libc.func('long recvmsg(int fd, void *header, int flags)')
const sendmsg = libc.func('long sendmsg(int fd, const void *header, int flags)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')
const getsockopt = libc.func('int getsockopt(int fd, int level, int name, _Out_ void *value, _Inout_ uint32_t *length)')

/** A Unix socket of sequenced packets, without a name yet. @returns it, or the negated errno. */
export const openSequenced = (): number => openSocket(AF_UNIX, SEQUENCED)

/** A Unix socket of datagrams, each of which says which process it is from. @returns it, or the negated errno. */
export function openDatagram(): number {
  const fd = openSocket(AF_UNIX, DATAGRAM)
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_PASSCRED, Int32Array.of(1), 4)
  return fd
}

/** Gives it a name in the file system. @returns 0, or the negated errno. */
export const bindAt = (fd: number, path: string): number => orErrno(bindFunction(fd, nameOf(path), NAME) as number)

/** Gives it a name in the file system, and has it wait for connections. @returns 0, or the negated errno. */
export function listenAt(fd: number, path: string): number {
  const bound = bindAt(fd, path)
  return bound < 0 ? bound : orErrno(listenFunction(fd, BACKLOG) as number)
}

/** @returns 0, or the negated errno. */
export const connectTo = (fd: number, path: string): number =>
  orErrno(connectFunction(fd, nameOf(path), NAME) as number)

function nameOf(path: string): Uint8Array {
  const address = new Uint8Array(NAME)
  new DataView(address.buffer).setUint16(0, AF_UNIX, true)
  new TextEncoder().encodeInto(path, address.subarray(2, NAME - 1))
  return address
}

/** The next connection, or the negated errno: EAGAIN if there is none. */
export const acceptConnection = (fd: number): number => orErrno(accept4(fd, null, null, PLAIN) as number)

/** Process at the other end, or the negated errno. */
export function peerProcess(fd: number): number {
  const credentials = new Int32Array(3)
  const result = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, Uint32Array.of(12)) as number
  return result < 0 ? -koffi.errno() : credentials[0]!
}

/** A message with the descriptors that came along, which are the caller's to close. */
export interface Message {
  readonly bytes: Uint8Array
  readonly descriptors: readonly number[]
  /** Process that a datagram is from; absent of connections. */
  readonly pid?: number
}

/** The next message, or the negated errno. It is empty, and has no descriptors, at the end of the connection. */
export function receiveMessage(fd: number, size: number): Message | number {
  const bytes = new Uint8Array(size)
  const control = new Uint8Array(CONTROL_HEADER + MOST_DESCRIPTORS * 4 + 4 + CREDENTIALS)
  const header = headerOf(bytes, control)
  const result = orErrno(Number(recvmsg(fd, header, MSG_CMSG_CLOEXEC)))
  if (result < 0) return result
  const controlSize = Number(new DataView(header.buffer).getBigUint64(HEADER_CONTROL_SIZE, true))
  return { bytes: bytes.subarray(0, result), ...controlsIn(control, controlSize) }
}

/** @returns bytes sent, or the negated errno. */
export const sendMessage = (fd: number, bytes: Uint8Array): number => send(fd, bytes, MSG_NOSIGNAL)

/** With descriptors, which stay open here. @returns bytes sent, or the negated errno. */
export function sendDescriptors(fd: number, bytes: Uint8Array, descriptors: readonly number[]): number {
  const control = new Uint8Array(aligned(CONTROL_HEADER + descriptors.length * 4))
  const view = new DataView(control.buffer)
  view.setBigUint64(0, BigInt(CONTROL_HEADER + descriptors.length * 4), true)
  view.setInt32(8, SOL_SOCKET, true)
  view.setInt32(12, SCM_RIGHTS, true)
  for (const [index, one] of descriptors.entries()) view.setInt32(CONTROL_HEADER + index * 4, one, true)
  return orErrno(Number(sendmsg(fd, headerOf(bytes, control), MSG_NOSIGNAL)))
}

/** A `struct msghdr`, and behind it the `struct iovec` that it refers to. Bytes and control must be kept as long as it is used. */
function headerOf(bytes: Uint8Array, control: Uint8Array): Uint8Array {
  const header = new Uint8Array(HEADER + VECTOR)
  const view = new DataView(header.buffer)
  view.setBigUint64(HEADER_IOV, addressOf(header) + BigInt(HEADER), true)
  view.setBigUint64(HEADER_IOV_COUNT, 1n, true)
  view.setBigUint64(HEADER_CONTROL, addressOf(control), true)
  view.setBigUint64(HEADER_CONTROL_SIZE, BigInt(control.length), true)
  view.setBigUint64(HEADER, addressOf(bytes), true)
  view.setBigUint64(HEADER + 8, BigInt(bytes.length), true)
  return header
}

/** Each control message begins with its size, level and type; the kernel puts all descriptors into one. */
function controlsIn(control: Uint8Array, size: number): Pick<Message, 'descriptors' | 'pid'> {
  const view = new DataView(control.buffer)
  const found: { descriptors: number[]; pid?: number } = { descriptors: [] }
  for (let at = 0; at + CONTROL_HEADER <= size; ) {
    const length = Number(view.getBigUint64(at, true))
    const [level, type, data] = [view.getInt32(at + 8, true), view.getInt32(at + 12, true), at + CONTROL_HEADER]
    if (level === SOL_SOCKET && type === SCM_CREDENTIALS) found.pid = view.getInt32(data, true)
    if (level === SOL_SOCKET && type === SCM_RIGHTS)
      for (let next = data; next < at + length; next += 4) found.descriptors.push(view.getInt32(next, true))
    at += aligned(length)
  }
  return found
}

const aligned = (size: number): number => Math.ceil(size / 8) * 8
