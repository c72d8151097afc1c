import koffi from 'koffi'

const SOL_SOCKET = 1
const SO_ATTACH_BPF = 50
const SO_DETACH_FILTER = 27

const libc = koffi.load('libc.so.6')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')

/** Makes a program the filter of a socket. @returns 0, or the negated errno. */
export function attachFilter(socket: number, program: number): number {
  return setOption(socket, SO_ATTACH_BPF, program)
}

/** Takes the filter away. @returns 0, or the negated errno. */
export function detachFilter(socket: number): number {
  return setOption(socket, SO_DETACH_FILTER, 0)
}

function setOption(fd: number, name: number, value: number): number {
  return setsockopt(fd, SOL_SOCKET, name, Int32Array.of(value), 4) === 0 ? 0 : -koffi.errno()
}
