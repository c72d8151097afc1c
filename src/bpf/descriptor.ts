import { closeSync } from 'node:fs'
import { debuglog } from 'node:util'
import { BpfError } from './errors.ts'
import { duplicate } from './ffi/duplicate.ts'
import { objectPin } from './ffi/libbpf.ts'
import { check } from './result.ts'

/** With NODE_DEBUG=bpf, which costs some 50 µs a handle, the warning says where a handle was opened. */
const { enabled: isTraced } = debuglog('bpf')

interface Forgotten {
  readonly fd: number
  readonly what: string
  /** Lines of the stack. */
  readonly opened: string | undefined
}

/** Closes descriptors whose handle was collected, and says so: until then the kernel kept what they stand for. */
const forgotten = new FinalizationRegistry<Forgotten>(({ fd, what, opened }) => {
  closeSync(fd)
  const detail = opened ?? 'NODE_DEBUG=bpf tells where it was opened'
  process.emitWarning(`${what} was never closed: closed at garbage collection`, {
    type: 'BpfHandleWarning',
    code: 'BPF_NOT_CLOSED',
    detail,
  })
})

/** A file descriptor of a BPF object, closed once. */
export class Descriptor {
  readonly #what: string
  #fd: number

  /** @param what for messages, such as `map "counters"` */
  constructor(fd: number, what: string) {
    this.#fd = fd
    this.#what = what
    forgotten.register(this, { fd, what, opened: isTraced ? stack() : undefined }, this)
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
    forgotten.unregister(this)
    closeSync(fd)
  }
}

/** As text: an Error would keep the handle itself alive. */
function stack(): string {
  return new Error('opened').stack?.split('\n').slice(3).join('\n') ?? ''
}
