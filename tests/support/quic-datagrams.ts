import { once } from 'node:events'
import type { Netns } from '../../src/linux/netns.ts'
import { udpSocketIn } from './sockets.ts'

/** Versions and types of long headers that matter to who steers them (RFC 9000, 17.2; RFC 9369). */
export const VERSIONS = { 1: 0x00000001, 2: 0x6b3343cf } as const
const FIRST = {
  1: { initial: 0xc0, zeroRtt: 0xd0, handshake: 0xe0 },
  2: { initial: 0xd0, zeroRtt: 0xe0, handshake: 0xf0 },
} as const

export const shortHeader = (id: Uint8Array): Buffer => Buffer.concat([Buffer.of(0x40), id, Buffer.alloc(21)])

export function longHeader(
  id: Uint8Array,
  type: keyof (typeof FIRST)[1] = 'handshake',
  version: keyof typeof VERSIONS = 1,
): Buffer {
  const head = Buffer.alloc(6)
  head[0] = FIRST[version][type]
  head.writeUInt32BE(VERSIONS[version], 1)
  head[5] = id.length
  return Buffer.concat([head, id, Buffer.alloc(40)])
}

/** A client of one address and port that asks who answers. */
export class Asker implements Disposable {
  readonly #socket: ReturnType<typeof udpSocketIn>

  constructor(netns: Netns, address: string, port = 0) {
    this.#socket = udpSocketIn(netns, port, address)
  }

  /** The name of a server and the number of its socket, or `nothing`. */
  async ask(datagram: Uint8Array, to: { readonly address: string; readonly port: number }): Promise<string> {
    const answered = once(this.#socket, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) })
    this.#socket.send(datagram, to.port, to.address)
    try {
      return String((await answered)[0])
    } catch {
      return 'nothing'
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close()
  }
}

/** Milliseconds until what is not answered counts as lost. */
const PATIENCE_MS = 5_000
