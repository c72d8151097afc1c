import { closeSync, fstatSync, openSync, readdirSync, readlinkSync } from 'node:fs'
import { setNetworkNamespace } from '../bpf/ffi/namespaces.ts'
import { namespaceCookie } from '../bpf/ffi/socket.ts'
import { command } from './command.ts'
import { LinuxError } from './errors.ts'

/** Where iproute2 keeps named network namespaces. */
const NAMED = '/run/netns'

/** The namespace of the calling thread. */
export const CURRENT = '/proc/thread-self/ns/net'

/** A network namespace: `name` as iproute2 knows it, or `null` for the one this process was started in. */
export type Netns = string | null

/** The file that stands for a namespace. */
export function netnsPath(netns: Netns): string {
  return netns === null ? '/proc/self/ns/net' : `${NAMED}/${netns}`
}

/** Makes a named network namespace with its loopback interface up. */
export function createNetns(name: string): void {
  command('ip', ['netns', 'add', name])
  command('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
}

/** Removes a named namespace. The kernel keeps it alive as long as a process is inside. */
export function removeNetns(name: string): void {
  command('ip', ['netns', 'delete', name])
}

/** Names of all named namespaces, sorted. */
export function listNetns(): string[] {
  try {
    return readdirSync(NAMED).sort()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw cause
  }
}

/** Ids of the processes inside a named namespace. */
export function netnsPids(name: string): number[] {
  return command('ip', ['netns', 'pids', name]).split('\n').filter(Boolean).map(Number)
}

/**
 * Runs `work` with the calling thread inside a network namespace, and returns to the old one. A child started by `work`
 * lives in the namespace, with the mounts of this process (so `/sys/fs/bpf` stays visible, unlike under `ip netns exec`).
 * `work` must be synchronous: libuv's threads do not come along, and an `await` would leave other code in the wrong place.
 *
 * @throws LinuxError NETNS_MISSING, NETNS_DENIED, or NETNS_ASYNC when `work` returned a promise.
 */
export function inNetns<T>(netns: Netns, work: () => T): T {
  return netns === null ? work() : elsewhere(() => enter(netns), work)
}

/**
 * Runs `work` after `go` has moved the calling thread into another network namespace, and returns to the old one. Both must be synchronous.
 *
 * @throws LinuxError NETNS_ASYNC when `work` returned a promise.
 */
export function elsewhere<T>(go: () => void, work: () => T): T {
  const back = openSync(CURRENT, 'r')
  try {
    go()
    try {
      return synchronous(work())
    } finally {
      returnTo(back)
    }
  } finally {
    closeSync(back)
  }
}

function enter(name: string): void {
  const fd = openNamespace(name)
  const error = setNetworkNamespace(fd)
  closeSync(fd)
  if (error < 0) {
    throw new LinuxError(
      'NETNS_DENIED',
      `Cannot enter network namespace "${name}": errno ${-error} (needs CAP_SYS_ADMIN; run as root)`,
    )
  }
}

function openNamespace(netns: Netns): number {
  const path = netnsPath(netns)
  try {
    return openSync(path, 'r')
  } catch (cause) {
    throw new LinuxError('NETNS_MISSING', `Cannot open network namespace "${netns ?? ''}": no ${path}`, { cause })
  }
}

/** Going on in a wrong namespace would touch another network's devices, so a failure here ends the process. */
function returnTo(fd: number): void {
  if (setNetworkNamespace(fd) < 0) {
    process.stderr.write('Cannot return to the network namespace this process came from\n')
    process.abort()
  }
}

function synchronous<T>(result: T): T {
  if (typeof (result as { then?: unknown } | null | undefined)?.then === 'function') {
    throw new LinuxError('NETNS_ASYNC', 'Cannot await inside a network namespace: the work must be synchronous')
  }
  return result
}

/**
 * The number of a namespace, which no other has as long as this one is there.
 *
 * @throws LinuxError NETNS_MISSING
 */
export function netnsInode(netns: Netns): number {
  return withNetns(netns, (fd) => fstatSync(fd).ino)
}

/**
 * What the kernel's programs know a namespace by; no other ever has it.
 *
 * @throws LinuxError NETNS_MISSING, NETNS_DENIED
 */
export function netnsCookie(netns: Netns): bigint {
  const cookie = inNetns(netns, namespaceCookie)
  if (typeof cookie === 'bigint') return cookie
  throw new LinuxError('NETNS_DENIED', `Cannot read the cookie of a network namespace: errno ${-cookie} [Linux 5.14]`)
}

/**
 * Works with a descriptor of the file that stands for a namespace.
 *
 * @throws LinuxError NETNS_MISSING
 */
export function withNetns<T>(netns: Netns, work: (fd: number) => T): T {
  const fd = openNamespace(netns)
  try {
    return work(fd)
  } finally {
    closeSync(fd)
  }
}

/** What identifies the namespace the calling thread is in, for example `net:[4026531840]`. */
export function currentNetnsId(): string {
  return readlinkSync(CURRENT)
}
