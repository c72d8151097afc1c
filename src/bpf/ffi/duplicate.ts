import koffi from 'koffi'

const F_DUPFD_CLOEXEC = 1030

const libc = koffi.load('libc.so.6')
const fcntl = libc.func('int fcntl(int fd, int command, ...)')

/** A second descriptor of the same file, not inherited by children. @returns it, or the negated errno. */
export function duplicate(fd: number): number {
  const copy = fcntl(fd, F_DUPFD_CLOEXEC, 'int', 0) as number
  return copy >= 0 ? copy : -koffi.errno()
}
