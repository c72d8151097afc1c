import { closeSync, openSync } from 'node:fs'
import { errnoName } from '../bpf/ffi/errno.ts'
import { leaveNetworkNamespace, setNetworkNamespace } from '../bpf/ffi/namespaces.ts'
import { LinuxError } from './errors.ts'
import { CURRENT, elsewhere } from './netns.ts'

/** A network namespace without a name, of this process alone: it is gone, with all interfaces in it, when the process ends in any way. */
export class PrivateNetns implements Disposable {
  readonly #fd: number
  #open = true

  /** @throws LinuxError NETNS_DENIED */
  static create(): PrivateNetns {
    return new PrivateNetns(elsewhere(leave, () => openSync(CURRENT, 'r')))
  }

  private constructor(fd: number) {
    this.#fd = fd
  }

  /** Names the namespace to other programs, such as `ip link set eth0 netns PATH`. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.#fd}`
  }

  /**
   * Runs `work` with the calling thread inside, and returns; as {@link inNetns} does.
   *
   * @throws LinuxError NETNS_DENIED, or NETNS_ASYNC when `work` returned a promise.
   */
  run<T>(work: () => T): T {
    return elsewhere(() => check(setNetworkNamespace(this.#fd), 'enter a network namespace'), work)
  }

  /** The kernel removes it when no socket is in it any more. Does nothing the second time. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    closeSync(this.#fd)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function leave(): void {
  check(leaveNetworkNamespace(), 'make a network namespace')
}

function check(result: number, what: string): void {
  if (result < 0)
    throw new LinuxError('NETNS_DENIED', `Cannot ${what}: ${errnoName(result)} (needs CAP_SYS_ADMIN; run as root)`)
}
