import koffi from 'koffi'
import { cover, mmap, munmap } from './libc.ts'

/**
 * Address of bytes of Node's own, for structures that C reads during one call. The caller holds on to the bytes until that call
 * is over; they do not move.
 */
export function addressOf(bytes: Uint8Array): bigint {
  return koffi.address(bytes)
}

/** A reader and writer of the structures that C shares with us. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Memory outside of Node's heap, for what C keeps after a call or uses on another thread. */
export class NativeMemory {
  readonly address: bigint
  readonly size: number
  #freed = false

  /** @param size bytes; all of them are 0. */
  constructor(size: number) {
    this.size = size
    this.address = koffi.alloc('uint8_t', size) as bigint
  }

  /** A copy: a view would crash the process if it were read after {@link free}. */
  copy(from = 0, to = this.size): Uint8Array {
    return new Uint8Array(koffi.view(this.address, this.size)).slice(from, to)
  }

  /** Text up to the first zero byte. */
  text(): string {
    const bytes = Buffer.from(koffi.view(this.address, this.size))
    const end = bytes.indexOf(0)
    return bytes.toString('latin1', 0, end < 0 ? bytes.length : end)
  }

  write(bytes: Uint8Array, at = 0): void {
    if (at + bytes.length > this.size) throw new RangeError(`Cannot write ${bytes.length} bytes into ${this.size}`)
    new Uint8Array(koffi.view(this.address, this.size)).set(bytes, at)
  }

  free(): void {
    if (this.#freed) return
    this.#freed = true
    koffi.free(this.address)
  }
}

/** An address in C's world. It never leaves this folder. */
export type Pointer = bigint

/** A text as C wants it, with a zero byte at its end. */
export function cString(text: string): Uint8Array {
  return Buffer.from(`${text}\0`)
}

/** Memory for one purpose; `bytes` must not be used after `release()`. */
export function scratch(size: number): { readonly bytes: Uint8Array; release(): void } {
  const memory = new NativeMemory(size)
  return { bytes: new Uint8Array(koffi.view(memory.address, size)), release: () => memory.free() }
}

/** Unmaps addresses when nobody can read them any more. */
const unreadable = new FinalizationRegistry<{ address: bigint; length: number }>(({ address, length }) => {
  munmap(address, length)
})

/** Memory of a file descriptor, shared with the kernel. */
export class SharedMemory {
  readonly bytes: Uint8Array
  readonly #address: bigint
  readonly #length: number
  #open = true

  /**
   * @param length bytes to map; `visible` of them are in {@link bytes}.
   * @returns the negated errno instead if the kernel refuses.
   */
  static map(fd: number, length: number, options: MapOptions = {}): SharedMemory | number {
    const { offset = 0, writable = true, visible = length } = options
    const address = mmap(fd, length, { offset, writable })
    return typeof address === 'number' ? address : new SharedMemory(address, length, visible)
  }

  private constructor(address: bigint, length: number, visible: number) {
    this.#address = address
    this.#length = length
    this.bytes = new Uint8Array(koffi.view(address, visible))
    unreadable.register(this.bytes.buffer, { address, length })
  }

  /**
   * Gives the kernel's memory back, and covers the addresses with empty memory until the last view is collected: whoever still
   * holds one reads zeros. To read addresses where nothing is would end the process.
   */
  close(): void {
    if (!this.#open) return
    this.#open = false
    cover(this.#address, this.#length)
  }
}

export interface MapOptions {
  /** Bytes, a multiple of the page size. */
  readonly offset?: number
  readonly writable?: boolean
  /** Bytes of the mapping that a reader sees. */
  readonly visible?: number
}
