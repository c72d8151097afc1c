import koffi from 'koffi'

const SOL_SOCKET = 1
const SO_ATTACH_BPF = 50
const SO_GET_FILTER = 26
const SO_DETACH_FILTER = 27
const SO_PROTOCOL = 38
const SO_DOMAIN = 39

const libc = koffi.load('libc.so.6')
const getsockopt = libc.func('int getsockopt(int fd, int level, int name, _Out_ void *value, _Inout_ uint32_t *length)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')

/** `SO_DOMAIN` (AF_INET is 2, AF_INET6 10) and `SO_PROTOCOL` of a socket, or the negated errno. */
export const socketDomain = (socket: number): number => getOption(socket, SO_DOMAIN)
export const socketProtocol = (socket: number): number => getOption(socket, SO_PROTOCOL)

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

function getOption(fd: number, name: number): number {
  const value = new Int32Array(1)
  return getsockopt(fd, SOL_SOCKET, name, value, Uint32Array.of(4)) === 0 ? value[0]! : -koffi.errno()
}

function setOption(fd: number, name: number, value: number): number {
  return setsockopt(fd, SOL_SOCKET, name, Int32Array.of(value), 4) === 0 ? 0 : -koffi.errno()
}
