import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Netns } from '../../src/linux/netns.ts'
import { start } from '../../src/linux/process.ts'

/** A process that knows nothing of Seawall: a UDP socket for each port, and a count of what comes. */
const SCRIPT = `
const { createSocket } = require('node:dgram')
const counts = {}
const ports = process.argv.slice(1).map(Number)
let open = 0
const sockets = new Map(ports.map((port) => {
  const socket = createSocket('udp6')
  counts[port] = 0
  socket.on('message', () => counts[port]++)
  socket.bind(port, () => { if (++open === ports.length) console.log('ready') })
  return [port, socket]
}))
process.stdin.on('data', (text) => {
  const [word, port] = String(text).trim().split(' ')
  if (word === 'close') sockets.get(Number(port)).close(() => console.log('closed'))
  else console.log(JSON.stringify(counts))
})
`

export class UdpProcess {
  readonly #child: ChildProcess

  static async start(netns: Netns, ports: readonly number[]): Promise<UdpProcess> {
    const child = start(process.execPath, ['-e', SCRIPT, ...ports.map(String)], {
      netns,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const started = new UdpProcess(child)
    await started.#answer()
    return started
  }

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Packets that came to a port so far. Asked after what was there before has been read. */
  async received(port: number): Promise<number> {
    this.#child.stdin!.write('counts\n')
    return (JSON.parse(await this.#answer()) as Record<string, number>)[port]!
  }

  async closeSocket(port: number): Promise<void> {
    this.#child.stdin!.write(`close ${port}\n`)
    await this.#answer()
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  async #answer(): Promise<string> {
    const [text] = (await once(this.#child.stdout!, 'data')) as [Buffer]
    return text.toString()
  }
}
