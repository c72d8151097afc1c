import { closeSync } from 'node:fs'
import { errnoName } from '../bpf/ffi/errno.ts'
import { type Poll, pollReadable } from '../bpf/ffi/poll.ts'
import { connectTo, openSequenced, receiveMessage, sendDescriptors } from '../bpf/ffi/unix-socket.ts'
import { LONGEST } from './descriptor-server.ts'
import { LinuxError } from './errors.ts'

export interface DescriptorClientHandlers {
  /** Called with each text that comes. */
  readonly onText: (text: string) => void
  /** Called once when the other side has ended the connection; it is closed then. */
  readonly onEnd: () => void
}

/** A connection to a {@link DescriptorServer}. It does not keep the process alive. */
export class DescriptorClient {
  readonly #fd: number
  readonly #poll: Poll
  #open = true

  /** @throws LinuxError SOCKET_GONE if nobody listens there */
  static connect(path: string, handlers: DescriptorClientHandlers): DescriptorClient {
    const fd = openSequenced()
    const result = fd < 0 ? fd : connectTo(fd, path)
    if (result >= 0) return new DescriptorClient(fd, handlers)
    if (fd >= 0) closeSync(fd)
    throw new LinuxError('SOCKET_GONE', `Cannot connect to "${path}": ${errnoName(result)} [start seawall up]`)
  }

  private constructor(fd: number, handlers: DescriptorClientHandlers) {
    this.#fd = fd
    this.#poll = pollReadable(fd, () => this.#receive(handlers))
    this.#poll.unref()
  }

  /** Sends a text, and descriptors that stay open here. @throws LinuxError SOCKET_GONE */
  send(text: string, descriptors: readonly number[] = []): void {
    const result = this.#open ? sendDescriptors(this.#fd, Buffer.from(text), descriptors) : 0
    if (this.#open && result >= 0) return
    throw new LinuxError(
      'SOCKET_GONE',
      `Cannot send "${text}": ${this.#open ? errnoName(result) : 'the connection has ended'}`,
    )
  }

  /** Does nothing the second time. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#poll.close()
    closeSync(this.#fd)
  }

  #receive({ onText, onEnd }: DescriptorClientHandlers): void {
    const message = receiveMessage(this.#fd, LONGEST)
    if (typeof message === 'object') {
      for (const fd of message.descriptors) closeSync(fd)
      if (message.bytes.length > 0) return onText(Buffer.from(message.bytes).toString())
    }
    this.close()
    onEnd()
  }
}
