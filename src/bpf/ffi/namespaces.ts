import koffi from 'koffi'

/** The only namespace kind that a thread of a running Node process may change safely. */
const CLONE_NEWNET = 0x40000000

const libc = koffi.load('libc.so.6')
const libcSetns = libc.func('int setns(int fd, int nstype)')
const libcUnshare = libc.func('int unshare(int flags)')

/**
 * Moves the calling thread into the network namespace open at `fd`. Other threads (libuv's pool) stay where they are.
 *
 * @returns 0, or the negated errno.
 */
export function setNetworkNamespace(fd: number): number {
  const result = libcSetns(fd, CLONE_NEWNET) as number
  return result === 0 ? 0 : -koffi.errno()
}

/**
 * Moves the calling thread into a new network namespace, where nothing is but a loopback interface that is down.
 *
 * @returns 0, or the negated errno.
 */
export function leaveNetworkNamespace(): number {
  const result = libcUnshare(CLONE_NEWNET) as number
  return result === 0 ? 0 : -koffi.errno()
}
