import koffi from 'koffi'
import { mmap, munmap } from './libc.ts'

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
  }

  /**
   * Detaches every view, then unmaps: who still holds one finds it empty. To read memory that is not mapped any more would end
   * the process.
   */
  close(): void {
    if (!this.#open) return
    this.#open = false
    structuredClone(this.bytes.buffer, { transfer: [this.bytes.buffer as ArrayBuffer] })
    munmap(this.#address, this.#length)
  }
}

export interface MapOptions {
  /** Bytes, a multiple of the page size. */
  readonly offset?: number
  readonly writable?: boolean
  /** Bytes of the mapping that a reader sees. */
  readonly visible?: number
}
