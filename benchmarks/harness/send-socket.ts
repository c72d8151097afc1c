import koffi from 'koffi'
import { addressOf } from '../../src/bpf/ffi/memory.ts'

/** `struct mmsghdr` and `struct iovec` of 64-bit Linux, and `struct sockaddr_in`. */
const [HEADER, VECTOR, NAME] = [64, 16, 16]
const [HEADER_NAME, HEADER_NAME_SIZE, HEADER_IOV, HEADER_IOV_COUNT] = [0, 8, 16, 24]
const AF_INET = 2

const libc = koffi.load('libc.so.6')
const sendmmsg = libc.func('int sendmmsg(int fd, void *messages, uint32_t count, int flags)')

/** Sends datagrams as a client in C would, many with one call, to one IPv4 address after the other. */
export class SocketWriter {
  readonly #count: number
  readonly #payload: Uint8Array
  readonly #names: DataView
  readonly #vectors: DataView
  readonly #headers: DataView

  /** @param count datagrams of one call */
  constructor(count: number, payload: Uint8Array) {
    this.#count = count
    this.#payload = payload
    this.#names = new DataView(new ArrayBuffer(count * NAME))
    this.#vectors = new DataView(new ArrayBuffer(count * VECTOR))
    this.#headers = new DataView(new ArrayBuffer(count * HEADER))
    const at = (view: DataView, offset: number) => addressOf(new Uint8Array(view.buffer)) + BigInt(offset)
    for (let i = 0; i < count; i++) {
      this.#vectors.setBigUint64(i * VECTOR, addressOf(payload), true)
      this.#vectors.setBigUint64(i * VECTOR + 8, BigInt(payload.length), true)
      this.#headers.setBigUint64(i * HEADER + HEADER_NAME, at(this.#names, i * NAME), true)
      this.#headers.setUint32(i * HEADER + HEADER_NAME_SIZE, NAME, true)
      this.#headers.setBigUint64(i * HEADER + HEADER_IOV, at(this.#vectors, i * VECTOR), true)
      this.#headers.setBigUint64(i * HEADER + HEADER_IOV_COUNT, 1n, true)
    }
  }

  /** Says where each datagram of a call goes: the address as a number of 32 bits. */
  aim(port: number, addressOfDatagram: (index: number) => number): void {
    for (let i = 0; i < this.#count; i++) {
      this.#names.setUint16(i * NAME, AF_INET, true)
      this.#names.setUint16(i * NAME + 2, port)
      this.#names.setUint32(i * NAME + 4, addressOfDatagram(i))
    }
  }

  /** @returns how many were sent. */
  send(fd: number): number {
    if (this.#payload.length === 0) throw new RangeError('Cannot send datagrams without a payload')
    return Math.max(0, sendmmsg(fd, new Uint8Array(this.#headers.buffer), this.#count, 0) as number)
  }
}
