import koffi from 'koffi'

const LOCK_EX = 2
const LOCK_NB = 4

const libc = koffi.load('libc.so.6')
const flock = libc.func('int flock(int fd, int operation)')

/**
 * Takes an exclusive lock on the open file behind `fd` without waiting. The kernel gives it back when the last descriptor of it is
 * closed, so at the end of the process at the latest.
 *
 * @returns 0, or the negated errno: -11 (EAGAIN) when somebody else has it.
 */
export function lockFile(fd: number): number {
  const result = flock(fd, LOCK_EX | LOCK_NB) as number
  return result === 0 ? 0 : -koffi.errno()
}
