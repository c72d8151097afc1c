import { chmodSync, closeSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { errnoName } from '../bpf/ffi/errno.ts'
import { type Poll, pollReadable } from '../bpf/ffi/poll.ts'
import { bindAt, openDatagram, receiveMessage } from '../bpf/ffi/unix-socket.ts'
import { LinuxError } from './errors.ts'
import { makeFolder } from './folder.ts'

/** Longest message, bytes: systemd takes no longer ones. */
const LONGEST = 4_096

/** What servers send to `NOTIFY_SOCKET` (sd_notify(3)): assignments such as `READY=1`, and the process that they are of. */
export type NotifyHandler = (assignments: readonly string[], pid: number) => void

/** The Unix socket of datagrams to which servers say that they are ready. Any user may write to it, as to systemd's. */
export class NotifyServer {
  readonly #fd: number
  readonly #path: string
  readonly #poll: Poll
  #open = true

  /** @throws LinuxError SOCKET_GONE when the socket cannot be made */
  static listen(path: string, handler: NotifyHandler): NotifyServer {
    makeFolder(dirname(path), 0o755)
    rmSync(path, { force: true })
    const fd = openDatagram()
    const result = fd < 0 ? fd : bindAt(fd, path)
    if (result < 0) {
      if (fd >= 0) closeSync(fd)
      throw new LinuxError('SOCKET_GONE', `Cannot receive at "${path}": ${errnoName(result)} [see its folder]`)
    }
    chmodSync(path, 0o666)
    return new NotifyServer(fd, path, handler)
  }

  private constructor(fd: number, path: string, handler: NotifyHandler) {
    this.#fd = fd
    this.#path = path
    this.#poll = pollReadable(fd, () => this.#receive(handler))
    this.#poll.unref()
  }

  /** Does nothing the second time. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#poll.close()
    closeSync(this.#fd)
    rmSync(this.#path, { force: true })
  }

  #receive(handler: NotifyHandler): void {
    for (;;) {
      const message = receiveMessage(this.#fd, LONGEST)
      if (typeof message === 'number') return
      // A server may pass descriptors for systemd to keep (FDSTORE=1).
      for (const fd of message.descriptors) closeSync(fd)
      if (message.pid !== undefined) handler(Buffer.from(message.bytes).toString().split('\n'), message.pid)
    }
  }
}
