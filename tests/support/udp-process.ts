import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import type { Netns } from '../../src/linux/netns.ts'
import { start } from '../../src/linux/process.ts'

/** A process that knows nothing of Seawall: a UDP socket for each port from one to another, and a count of what comes. */
const SCRIPT = `
const { createSocket } = require('node:dgram')
const [from, to] = process.argv.slice(1).map(Number)
const counts = {}
const sockets = {}
let open = 0
for (let port = from; port <= to; port++) {
  counts[port] = 0
  sockets[port] = createSocket({ type: 'udp6', lookup: (host, _, done) => done(null, host, 6) })
  sockets[port].on('message', () => counts[port]++)
  sockets[port].bind(port, '::', () => { if (++open === to - from + 1) console.log('ready') })
}
require('node:readline').createInterface(process.stdin).on('line', (line) => {
  const [word, port] = line.split(' ')
  if (word === 'close') sockets[port].close(() => console.log('closed'))
  else console.log(JSON.stringify(counts))
})
`

export class UdpProcess {
  readonly #child: ChildProcess
  readonly #lines: Interface

  /** Has its sockets open when this is done. */
  static async start(netns: Netns, from: number, to = from): Promise<UdpProcess> {
    const limit = `--nofile=${to - from + 100}`
    const args = [limit, process.execPath, '-e', SCRIPT, String(from), String(to)]
    const started = new UdpProcess(start('prlimit', args, { netns, stdio: ['pipe', 'pipe', 'inherit'] }))
    await started.#answer()
    return started
  }

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#lines = createInterface(child.stdout!)
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Packets that came so far, by port. */
  async counts(): Promise<Readonly<Record<number, number>>> {
    this.#child.stdin!.write('counts\n')
    return JSON.parse(await this.#answer())
  }

  async closeSocket(port: number): Promise<void> {
    this.#child.stdin!.write(`close ${port}\n`)
    await this.#answer()
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(name)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  async #answer(): Promise<string> {
    const [line] = await Promise.race([once(this.#lines, 'line'), once(this.#child, 'exit')])
    if (typeof line !== 'string') throw new Error(`The process with the sockets has ended: ${this.#child.exitCode}`)
    return line
  }
}
