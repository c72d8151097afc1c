import koffi from 'koffi'
import { inNetns, type Netns } from '../../src/linux/netns.ts'

const [AF_INET, SOCK_STREAM, SOL_SOCKET, SO_LINGER] = [2, 1, 1, 13]

const libc = koffi.load('libc.so.6')
const socket = libc.func('int socket(int domain, int type, int protocol)')
const connect = libc.func('int connect(int fd, const void *address, uint32_t length)')
const accept = libc.func('int accept(int fd, void *address, void *length)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')
const close = libc.func('int close(int fd)')

/** Both ends are closed by a reset, so that no port waits. */
const LINGER = Int32Array.of(1, 0)

/**
 * Opens, accepts and closes so many connections, one after the other, as a client and a server in C would.
 *
 * @param listener a listening socket that gets them; nothing else accepts from it
 */
export function openConnections(
  netns: Netns,
  listener: number,
  to: { readonly address: number; readonly port: number },
  count: number,
): void {
  const name = new DataView(new ArrayBuffer(16))
  name.setUint16(0, AF_INET, true)
  name.setUint16(2, to.port)
  name.setUint32(4, to.address)
  const bytes = new Uint8Array(name.buffer)
  inNetns(netns, () => {
    for (let i = 0; i < count; i++) {
      const client = socket(AF_INET, SOCK_STREAM, 0) as number
      if ((connect(client, bytes, 16) as number) !== 0) throw new Error(`Cannot connect: errno ${koffi.errno()}`)
      const server = accept(listener, null, null) as number
      if (server < 0) throw new Error(`Cannot accept: errno ${koffi.errno()}, wanted a connection in the queue`)
      setsockopt(client, SOL_SOCKET, SO_LINGER, LINGER, 8)
      close(client)
      close(server)
    }
  })
}
