import koffi from 'koffi'

/** Numbers of system calls, the same on all architectures (pidfd_open: Linux 5.3, pidfd_getfd: 5.6). glibc has names for them since 2.36 only. */
const PIDFD_OPEN = 434
const PIDFD_GETFD = 438

const libc = koffi.load('libc.so.6')
const syscall = libc.func('long syscall(long number, long first, long second, long third)')

/** A descriptor for a process. @returns it, or the negated errno. */
export function openProcess(pid: number): number {
  return call(PIDFD_OPEN, pid, 0)
}

/** A descriptor of ours for what is open in another process, not inherited by children. @returns it, or the negated errno. */
export function takeDescriptor(process: number, fd: number): number {
  return call(PIDFD_GETFD, process, fd)
}

function call(number: number, first: number, second: number): number {
  const result = Number(syscall(number, first, second, 0))
  return result >= 0 ? result : -koffi.errno()
}
