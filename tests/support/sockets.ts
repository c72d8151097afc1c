import { createSocket, type Socket } from 'node:dgram'
import { createServer, type Server } from 'node:net'
import { inNetns, type Netns } from '../../src/linux/netns.ts'

/** A UDP socket of this process in a network namespace, bound when this returns. */
export function udpSocketIn(netns: Netns, port: number, address = '::'): Socket {
  const type = address.includes(':') ? 'udp6' : 'udp4'
  const family = type === 'udp6' ? 6 : 4
  // Without a lookup at hand Node would bind later, in another namespace.
  const socket = createSocket({ type, recvBufferSize: 1 << 22, lookup: (host, _, done) => done(null, host, family) })
  inNetns(netns, () => void socket.bind(port, address))
  return socket
}

/** A TCP server of this process in a network namespace, listening on all addresses when this returns. */
export function tcpServerIn(netns: Netns, port: number): Server {
  const server = createServer()
  inNetns(netns, () => void server.listen(port))
  return server
}
