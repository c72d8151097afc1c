// Connections that stay, and talk all the time: clients.ts PLAN (JSON)
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Order, Plan, Talk } from './messages.ts'

const { targets, everyMs, lifeMs } = JSON.parse(process.argv[2]!) as Plan

/** Milliseconds after which an answer is missed. */
const STALLED_MS = 1_500

/** Connections that are begun at a time, so that none waits in a queue. */
const AT_ONCE = 50

/** Lives of connections are spread over so many steps. */
const LIVES = 64

class Talker {
  state: 'begun' | 'failed' | 'open' | 'lost' | 'ended' = 'begun'
  server: string | undefined
  hasMoved = false
  hasStalled = false
  answers = 0
  /** When the line was sent whose answer came last. */
  answered = 0
  #asked = 0
  /** Until it asks again. */
  #pause: NodeJS.Timeout | undefined
  #end = Number.POSITIVE_INFINITY
  readonly #socket: Socket

  constructor(index: number, done: () => void = () => undefined) {
    const { host, port, addresses } = targets[index % targets.length]!
    const localAddress = addresses[Math.floor(index / targets.length) % addresses.length]!
    this.#socket = connect({ host, port, localAddress, noDelay: true }, () => {
      this.state = 'open'
      if (lifeMs !== undefined) this.#end = performance.now() + lifeMs * (0.5 + (index % LIVES) / LIVES)
      done()
      this.#ask()
    })
    this.#socket.on('error', () => undefined)
    this.#socket.once('close', () => {
      if (this.state === 'begun') this.state = 'failed'
      if (this.state === 'open') this.state = 'lost'
      done()
    })
    createInterface({ input: this.#socket })
      .on('line', (line) => this.#hear(line))
      .on('error', () => undefined)
  }

  look(now: number): void {
    if (this.state === 'open' && this.#asked > 0 && now - this.#asked > STALLED_MS) this.hasStalled = true
  }

  /** Asks now what it would ask later. */
  hurry(): void {
    if (this.#pause !== undefined) this.#ask()
  }

  end(): void {
    this.state = 'ended'
    this.#socket.resetAndDestroy()
  }

  #ask(): void {
    clearTimeout(this.#pause)
    this.#pause = undefined
    if (this.state !== 'open') return
    if (performance.now() > this.#end) return this.#giveWay()
    this.#asked = performance.now()
    this.#socket.write('who\n')
  }

  #giveWay(): void {
    this.state = 'ended'
    this.#socket.end()
    talkers.push(new Talker(talkers.length))
  }

  #hear(line: string): void {
    this.look(performance.now())
    this.answered = this.#asked
    this.#asked = 0
    const name = line.split(' ')[0]!
    this.server ??= name
    if (this.server !== name) this.hasMoved = true
    this.answers++
    this.#pause = setTimeout(() => this.#ask(), everyMs)
  }
}

const talkers: Talker[] = []

async function open(connections: number): Promise<void> {
  for (let begun = 0; begun < connections; begun += AT_ONCE) {
    const batch = Math.min(AT_ONCE, connections - begun)
    await Promise.all(
      Array.from({ length: batch }, () => new Promise<void>((done) => talkers.push(new Talker(talkers.length, done)))),
    )
  }
}

/** Those that were begun by now and are not made, or not answered what they asked since, which they do without a pause. */
async function hear(patienceMs: number): Promise<number> {
  const now = performance.now()
  const all = [...talkers]
  const isSilent = ({ state, answered }: Talker) => state === 'begun' || (state === 'open' && answered < now)
  for (const end = now + patienceMs; ; await sleep(50)) {
    const silent = all.filter(isSilent)
    if (silent.length === 0 || performance.now() > end) return silent.length
    for (const one of silent) one.hurry()
  }
}

function count(silent: number): Talk {
  const now = performance.now()
  for (const one of talkers) one.look(now)
  const of = (what: (one: Talker) => boolean): number => talkers.filter(what).length
  const servers: Record<string, number> = {}
  for (const { state, server } of talkers)
    if (state === 'open' && server !== undefined) servers[server] = (servers[server] ?? 0) + 1
  return {
    opened: talkers.length,
    opening: of(({ state }) => state === 'begun'),
    open: of(({ state }) => state === 'open'),
    ended: of(({ state }) => state === 'ended'),
    failed: of(({ state }) => state === 'failed'),
    lost: of(({ state }) => state === 'lost'),
    moved: of((one) => one.hasMoved),
    stalled: of((one) => one.hasStalled),
    silent,
    answers: talkers.reduce((sum, { answers }) => sum + answers, 0),
    servers,
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order
  if (order.do === 'open') await open(order.connections)
  const silent = order.do === 'hear' ? await hear(order.patienceMs) : 0
  process.stdout.write(`${JSON.stringify(count(silent))}\n`)
  if (order.do === 'end') break
}
for (const one of talkers) one.end()
process.exit(0)
