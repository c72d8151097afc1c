import { closeSync } from 'node:fs'
import { BpfError } from './errors.ts'
import { duplicate } from './ffi/duplicate.ts'
import { objectPin } from './ffi/libbpf.ts'
import { check } from './result.ts'

/** A file descriptor of a BPF object, closed once. */
export class Descriptor {
  readonly #what: string
  #fd: number

  /** @param what for messages, such as `map "counters"` */
  constructor(fd: number, what: string) {
    this.#fd = fd
    this.#what = what
  }

  /** @throws BpfError BPF_CLOSED: the number may belong to another file by now. */
  get fd(): number {
    if (this.#fd >= 0) return this.#fd
    throw new BpfError('BPF_CLOSED', '', `use ${this.#what}`, 'it is closed (keep it open as long as it is used)')
  }

  get isOpen(): boolean {
    return this.#fd >= 0
  }

  /** Makes the object last beyond this process, as a file on a BPF file system. */
  pin(path: string): void {
    check(objectPin(this.fd, path), `pin ${this.#what} at "${path}"`)
  }

  /** A second descriptor of the same object, for another owner. */
  duplicate(): number {
    return check(duplicate(this.fd), `duplicate the descriptor of ${this.#what}`)
  }

  close(): void {
    if (this.#fd < 0) return
    const fd = this.#fd
    this.#fd = -1
    closeSync(fd)
  }
}
