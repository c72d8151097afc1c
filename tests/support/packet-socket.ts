import koffi from 'koffi'
import { findInterface } from '../../src/linux/interface.ts'
import { inNetns, type Netns } from '../../src/linux/netns.ts'

const AF_PACKET = 17
const SOCK_RAW = 3
const SOCK_CLOEXEC = 0o2000000
/** ETH_P_ALL in network byte order. */
const ALL = 0x0300
const SOL_SOCKET = 1
const SO_RCVTIMEO = 20
const SO_RCVBUFFORCE = 33
const MAX_FRAME = 65_536
/** Bytes of frames that wait to be received, as the kernel counts them: more than there is of each. */
const WAITING = 1 << 22
const ANSWER_WITHIN_S = 5
const EINTR = 4
const MSG_DONTWAIT = 0x40

const libc = koffi.load('libc.so.6')
const socket = libc.func('int socket(int domain, int type, int protocol)')
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')
const send = libc.func('long send(int fd, const void *data, size_t length, int flags)')
const receive = libc.func('long recv(int fd, void *data, size_t length, int flags)')
const close = libc.func('int close(int fd)')

const checked = (call: string, result: number): number => {
  if (result < 0) throw new Error(`${call}: errno ${koffi.errno()}`)
  return result
}

/** Whole frames to and from an interface, past the protocols of the namespace that it is in. */
export class PacketSocket {
  readonly #fd: number
  readonly #frame = new Uint8Array(MAX_FRAME)

  constructor(netns: Netns, name: string) {
    const { ifindex } = findInterface(netns, name)
    this.#fd = checked('socket', inNetns(netns, () => socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) as number)
    const address = new DataView(new ArrayBuffer(20))
    address.setUint16(0, AF_PACKET, true)
    address.setUint16(2, ALL, true)
    address.setInt32(4, ifindex, true)
    checked('setsockopt', setsockopt(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, Uint32Array.of(WAITING), 4))
    checked('bind', bind(this.#fd, new Uint8Array(address.buffer), address.byteLength))
    const timeout = new Uint8Array(BigInt64Array.of(BigInt(ANSWER_WITHIN_S), 0n).buffer)
    checked('setsockopt', setsockopt(this.#fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length))
  }

  send(frame: Uint8Array): void {
    checked('send', Number(send(this.#fd, frame, frame.length, 0)))
  }

  /**
   * Sends a frame and waits for the one that is wanted; others are passed over, as are all that came before. It blocks the event loop.
   *
   * @throws Error when none comes within {@link ANSWER_WITHIN_S} seconds.
   */
  ask(frame: Uint8Array, isWanted: (frame: Uint8Array) => boolean): Uint8Array {
    this.received()
    this.send(frame)
    for (;;) {
      const length = Number(receive(this.#fd, this.#frame, MAX_FRAME, 0))
      if (length < 0 && koffi.errno() === EINTR) continue
      const answer = this.#frame.slice(0, checked('recv', length))
      if (isWanted(answer)) return answer
    }
  }

  /** The frames that have come, or gone, since they were asked for last; whole packets, of an interface without link headers. */
  received(): Uint8Array[] {
    const frames: Uint8Array[] = []
    for (;;) {
      const length = Number(receive(this.#fd, this.#frame, MAX_FRAME, MSG_DONTWAIT))
      if (length < 0) return frames
      frames.push(this.#frame.slice(0, length))
    }
  }

  close(): void {
    close(this.#fd)
  }
}
