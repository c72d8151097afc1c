import koffi from 'koffi'
import { addressOf } from '../../src/bpf/ffi/memory.ts'

const MSG_DONTWAIT = 0x40
/** `struct mmsghdr` and `struct iovec` of 64-bit Linux. */
const [HEADER, VECTOR] = [64, 16]
const [HEADER_IOV, HEADER_IOV_COUNT] = [16, 24]

const libc = koffi.load('libc.so.6')
const recvmmsg = libc.func('int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)')

/** Reads datagrams from a socket as a server in C would, many with one call. */
export class SocketReader {
  readonly #count: number
  readonly #buffer = new Uint8Array(2048)
  readonly #vectors: Uint8Array
  readonly #headers: Uint8Array

  /** @param count datagrams of one call */
  constructor(count: number) {
    this.#count = count
    this.#vectors = new Uint8Array(count * VECTOR)
    this.#headers = new Uint8Array(count * HEADER)
    const [vectors, headers] = [new DataView(this.#vectors.buffer), new DataView(this.#headers.buffer)]
    for (let i = 0; i < count; i++) {
      vectors.setBigUint64(i * VECTOR, addressOf(this.#buffer), true)
      vectors.setBigUint64(i * VECTOR + 8, BigInt(this.#buffer.length), true)
      headers.setBigUint64(i * HEADER + HEADER_IOV, addressOf(this.#vectors) + BigInt(i * VECTOR), true)
      headers.setBigUint64(i * HEADER + HEADER_IOV_COUNT, 1n, true)
    }
  }

  /** @returns how many there were. */
  read(fd: number): number {
    return Math.max(0, recvmmsg(fd, this.#headers, this.#count, MSG_DONTWAIT, null) as number)
  }
}
