import { untilReady } from '../../lab/ready.ts'
import type { Netns } from '../../src/linux/netns.ts'
import { start } from '../../src/linux/process.ts'

/** A process that knows nothing of Seawall, and answers each datagram with its name; if told to, by a socket for each client. */
const SCRIPT = `
const { createSocket } = require('node:dgram')
const [name, address, port, connected] = process.argv.slice(1)
const make = () => createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', reuseAddr: true })
const listener = make()
listener.on('message', (data, from) => {
  if (connected === 'no') return listener.send(name, from.port, from.address)
  const socket = make()
  socket.on('message', () => socket.send(name))
  socket.bind(port, address, () => socket.connect(from.port, from.address, () => socket.send(name)))
})
listener.on('error', (error) => { throw error })
listener.bind(port, address, () => console.log('ready'))
`

export interface UdpServerOptions {
  readonly netns: Netns
  readonly name: string
  readonly address: string
  readonly port: number
  /** A connected socket for each client, as servers of QUIC and DTLS have. */
  readonly connected: boolean
}

/**
 * Answers when this is done; returns how to end it.
 *
 * @throws Error with what the process said, if it cannot
 */
export async function startUdpServer({ netns, name, address, port, connected }: UdpServerOptions): Promise<() => void> {
  const args = ['-e', SCRIPT, name, address, String(port), connected ? 'yes' : 'no']
  const child = start(process.execPath, args, { netns, stdio: ['ignore', 'pipe', 'pipe'] })
  await untilReady(child)
  return () => child.kill('SIGKILL')
}
