import koffi from 'koffi'
import type { ClassicInstruction } from '../../src/bpf/pcap-filter.ts'

const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26
const MSG_TRUNC_DONTWAIT = 0x20 | 0x40
/** `struct sock_fprog`: u16 length, pointer. */
const PROGRAM_SIZE = 16

const libc = koffi.load('libc.so.6')
const socketpair = libc.func('int socketpair(int domain, int type, int protocol, void *fds)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')
const send = libc.func('long send(int fd, const void *data, size_t length, int flags)')
const receive = libc.func('long recv(int fd, void *data, size_t length, int flags)')
const close = libc.func('int close(int fd)')

/**
 * The kernel's own classic filters: a pair of Unix datagram sockets, of which one has the filter. It sees exactly the bytes that the other
 * sends. In the tests, because Seawall itself attaches no classic filters.
 */
export class ClassicSocket {
  readonly #from: number
  readonly #to: number
  readonly #byte = new Uint8Array(1)

  constructor() {
    const fds = new Int32Array(2)
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) !== 0) throw new Error(`socketpair: ${koffi.errno()}`)
    this.#from = fds[0]!
    this.#to = fds[1]!
  }

  /** @returns whether the kernel takes the program. */
  attach(program: readonly ClassicInstruction[]): boolean {
    const bytes = new Uint8Array(program.length * 8)
    const view = new DataView(bytes.buffer)
    program.forEach(({ code, jt, jf, k }, index) => {
      view.setUint16(index * 8, code, true)
      view.setUint8(index * 8 + 2, jt)
      view.setUint8(index * 8 + 3, jf)
      view.setUint32(index * 8 + 4, k, true)
    })
    const option = new DataView(new ArrayBuffer(PROGRAM_SIZE))
    option.setUint16(0, program.length, true)
    option.setBigUint64(8, koffi.address(bytes), true)
    return setsockopt(this.#to, SOL_SOCKET, SO_ATTACH_FILTER, new Uint8Array(option.buffer), PROGRAM_SIZE) === 0
  }

  /** How much of a packet the filter lets through; -1 if it drops it. */
  run(packet: Uint8Array): number {
    if (send(this.#from, packet, packet.length, 0) !== packet.length) throw new Error(`send: ${koffi.errno()}`)
    return Number(receive(this.#to, this.#byte, 1, MSG_TRUNC_DONTWAIT))
  }

  close(): void {
    close(this.#from)
    close(this.#to)
  }
}
