// Connections that stay, and talk all the time: clients.ts HOST PORT ADDRESS…
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Order, Talk } from './messages.ts'

const [host = '', port = '', ...addresses] = process.argv.slice(2)

/** Milliseconds between an answer and the next line, and after which an answer is missed. */
const EVERY_MS = 400
const STALLED_MS = 1_500

/** Connections that are begun at a time, so that none waits in a queue. */
const AT_ONCE = 50

class Talker {
  server: string | undefined
  isOpen = false
  isLost = false
  hasMoved = false
  hasStalled = false
  answers = 0
  #asked = 0
  readonly #socket: Socket

  constructor(localAddress: string, done: () => void) {
    this.#socket = connect({ host, port: Number(port), localAddress, noDelay: true }, () => {
      this.isOpen = true
      done()
      this.#ask()
    })
    this.#socket.on('error', () => undefined)
    this.#socket.once('close', () => {
      this.isLost = this.isOpen
      this.isOpen = false
      done()
    })
    createInterface({ input: this.#socket })
      .on('line', (line) => this.#hear(line))
      .on('error', () => undefined)
  }

  look(now: number): void {
    if (this.isOpen && this.#asked > 0 && now - this.#asked > STALLED_MS) this.hasStalled = true
  }

  end(): void {
    this.isOpen = false
    this.#socket.resetAndDestroy()
  }

  #ask(): void {
    if (!this.isOpen) return
    this.#asked = performance.now()
    this.#socket.write('who\n')
  }

  #hear(line: string): void {
    this.look(performance.now())
    this.#asked = 0
    const name = line.split(' ')[0]!
    this.server ??= name
    if (this.server !== name) this.hasMoved = true
    this.answers++
    setTimeout(() => this.#ask(), EVERY_MS)
  }
}

const talkers: Talker[] = []

async function open(connections: number): Promise<void> {
  for (let begun = 0; begun < connections; begun += AT_ONCE) {
    const batch = Math.min(AT_ONCE, connections - begun)
    await Promise.all(
      Array.from({ length: batch }, () => {
        return new Promise<void>((done) =>
          talkers.push(new Talker(addresses[talkers.length % addresses.length]!, done)),
        )
      }),
    )
  }
}

function count(): Talk {
  const now = performance.now()
  for (const one of talkers) one.look(now)
  const of = (what: (one: Talker) => boolean): number => talkers.filter(what).length
  const servers: Record<string, number> = {}
  for (const { isOpen, server } of talkers)
    if (isOpen && server !== undefined) servers[server] = (servers[server] ?? 0) + 1
  return {
    opened: talkers.length,
    open: of((one) => one.isOpen),
    failed: of((one) => !one.isOpen && !one.isLost),
    lost: of((one) => one.isLost),
    moved: of((one) => one.hasMoved),
    stalled: of((one) => one.hasStalled),
    answers: talkers.reduce((sum, { answers }) => sum + answers, 0),
    servers,
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order
  if (order.do === 'open') await open(order.connections)
  process.stdout.write(`${JSON.stringify(count())}\n`)
  if (order.do === 'end') break
}
for (const one of talkers) one.end()
process.exit(0)
