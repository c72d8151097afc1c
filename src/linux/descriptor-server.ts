import { closeSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { errnoName } from '../bpf/ffi/errno.ts'
import { type Poll, pollReadable } from '../bpf/ffi/poll.ts'
import {
  acceptConnection,
  listenAt,
  openSequenced,
  peerProcess,
  receiveMessage,
  sendMessage,
} from '../bpf/ffi/unix-socket.ts'
import { LinuxError } from './errors.ts'
import { makeFolder } from './folder.ts'

/** What a process has sent: a text, and descriptors of its own, which are open here until it is answered. */
export interface DescriptorMessage {
  readonly text: string
  readonly descriptors: readonly number[]
  readonly pid: number
  /** Sends a text by the same connection, now or later; false when that has ended. */
  readonly tell: (text: string) => boolean
}

/** Answers a message. */
export type DescriptorHandler = (message: DescriptorMessage) => Promise<string>

/** Longest text of a message and path of a socket, bytes. */
export const LONGEST = 512
const LONGEST_PATH = 107

/** A Unix socket of sequenced packets by which processes hand over descriptors (SCM_RIGHTS). Only its owner may connect. */
export class DescriptorServer {
  readonly #fd: number
  readonly #path: string
  readonly #handler: DescriptorHandler
  readonly #poll: Poll
  readonly #connections = new Map<number, Poll>()
  #open = true

  /** @throws LinuxError SOCKET_GONE when the socket cannot be made */
  static listen(path: string, handler: DescriptorHandler): DescriptorServer {
    if (Buffer.byteLength(path) > LONGEST_PATH)
      throw new LinuxError('SOCKET_GONE', `Cannot listen at "${path}": wanted a path of at most ${LONGEST_PATH} bytes`)
    makeFolder(dirname(path), 0o755)
    rmSync(path, { force: true })
    const fd = openSequenced()
    const result = fd < 0 ? fd : listenAlone(fd, path)
    if (result < 0) {
      if (fd >= 0) closeSync(fd)
      throw new LinuxError('SOCKET_GONE', `Cannot listen at "${path}": ${errnoName(result)} [see its folder]`)
    }
    return new DescriptorServer(fd, path, handler)
  }

  private constructor(fd: number, path: string, handler: DescriptorHandler) {
    this.#fd = fd
    this.#path = path
    this.#handler = handler
    this.#poll = pollReadable(fd, () => this.#accept())
    this.#poll.unref()
  }

  /** Does nothing the second time. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#poll.close()
    for (const connection of [...this.#connections.keys()]) this.#end(connection)
    closeSync(this.#fd)
    rmSync(this.#path, { force: true })
  }

  #accept(): void {
    for (;;) {
      const connection = acceptConnection(this.#fd)
      if (connection < 0) return
      const poll = pollReadable(connection, () => this.#receive(connection))
      poll.unref()
      this.#connections.set(connection, poll)
    }
  }

  #receive(connection: number): void {
    const message = receiveMessage(connection, LONGEST)
    if (typeof message === 'number' || (message.bytes.length === 0 && message.descriptors.length === 0))
      return this.#end(connection)
    const { bytes, descriptors } = message
    const poll = this.#connections.get(connection)
    const tell = (text: string): boolean =>
      this.#connections.get(connection) === poll && sendMessage(connection, Buffer.from(text)) >= 0
    const work = this.#handler({ text: Buffer.from(bytes).toString(), descriptors, pid: peerProcess(connection), tell })
    void work.then(tell).finally(() => {
      for (const fd of descriptors) closeSync(fd)
    })
  }

  #end(connection: number): void {
    this.#connections.get(connection)?.close()
    if (this.#connections.delete(connection)) closeSync(connection)
  }
}

/** There is no moment at which others could connect. */
function listenAlone(fd: number, path: string): number {
  const before = process.umask(0o177)
  try {
    return listenAt(fd, path)
  } finally {
    process.umask(before)
  }
}
