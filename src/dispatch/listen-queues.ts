import { inNetns, type Netns } from '../linux/netns.ts'
import { socketInodes } from '../linux/process-sockets.ts'
import { readServerSockets } from '../linux/socket-table.ts'
import { readTcpSockets } from '../linux/tcp-sockets.ts'
import type { ListedGeneration } from './generation-status.ts'

/** Milliseconds for which handshakes that have begun are waited for: the kernel repeats what was lost after 1 and 3 seconds. */
const PATIENCE_MS = 4_000

/**
 * Waits for what came to a generation before it was replaced: handshakes that had begun, and connections that its server has yet to accept. The
 * kernel resets what is left of them when the socket is closed.
 */
export class ListenQueues {
  readonly #netns: Netns
  /** Handshakes that had begun when it was looked for the first time and go on, by generation. */
  readonly #begun = new Map<string, ReadonlySet<string>>()

  constructor(netns: Netns) {
    this.#netns = netns
  }

  /** Whether nothing is left, or it has been waited long enough. @param replaced when, milliseconds since 1970 */
  areEmpty({ label, number, sockets, processes }: ListedGeneration, replaced: number): boolean {
    if (!sockets.some(({ protocol }) => protocol === 'tcp')) return true
    const key = `${label} ${number}`
    const now = this.#handshakes()
    const begun = this.#begun.get(key)
    const rest = begun === undefined ? now : new Set([...begun].filter((one) => now.has(one)))
    this.#begun.set(key, rest)
    const isDone = (rest.size === 0 && !this.#haveWaiting(processes)) || Date.now() - replaced > PATIENCE_MS
    if (isDone) this.#begun.delete(key)
    return isDone
  }

  #haveWaiting(processes: readonly number[]): boolean {
    const own = socketInodes(processes)
    return readServerSockets(this.#netns).some(
      ({ protocol, inode, waiting }) => protocol === 'tcp' && waiting > 0 && own.has(inode),
    )
  }

  /** Both ends of each, of the whole network namespace. */
  #handshakes(): Set<string> {
    const found = inNetns(this.#netns, () => readTcpSockets('handshake')) ?? []
    return new Set(found.map(({ address, port, peer, peerPort }) => `${address} ${port} ${peer} ${peerPort}`))
  }
}
