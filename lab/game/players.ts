// Players of a game over UDP, each from a port of its own, who play all the time: players.ts PLAN (JSON)
import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Game, GameOrder, GamePlan } from './messages.ts'

const { targets, everyMs, lifeMs } = JSON.parse(process.argv[2]!) as GamePlan

/** Milliseconds after which a datagram is sent anew. */
const UNANSWERED_MS = 1_000

/** Lives of players are spread over so many steps. */
const LIVES = 64

const STRANGER = 'stranger'

const totals = { came: 0, left: 0, answers: 0, unanswered: 0 }
const strangers: Record<string, number> = {}
const there = new Set<Player>()

class Player {
  /** The one that knows him; undefined until he has joined. */
  server: string | undefined
  /** When the datagram was sent whose answer came last. */
  answered = 0
  readonly #id = totals.came++
  readonly #end = performance.now() + lifeMs * (0.5 + (this.#id % LIVES) / LIVES)
  readonly #socket: Socket
  #sent = 0
  #asked = 0
  /** Until he moves again, or sends anew. */
  #timer: NodeJS.Timeout | undefined
  #waits = false

  constructor() {
    const { host, port, addresses } = targets[this.#id % targets.length]!
    const address = addresses[Math.floor(this.#id / targets.length) % addresses.length]!
    this.#socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
    this.#socket.on('message', (message) => this.#hear(message.toString()))
    // Nobody has the port just now: he sends anew when it is time.
    this.#socket.on('error', () => undefined)
    this.#socket.bind({ address, exclusive: true }, () => this.#socket.connect(port, host, () => this.#move()))
    there.add(this)
  }

  /** Moves now if he would later. */
  hurry(): void {
    if (!this.#waits) this.#move()
  }

  close(): void {
    clearTimeout(this.#timer)
    there.delete(this)
    this.#socket.close()
  }

  #move(): void {
    clearTimeout(this.#timer)
    this.#waits = true
    this.#asked = performance.now()
    this.#socket.send(`${this.server === undefined ? 'join' : 'play'} ${this.#id} ${++this.#sent}`, () => undefined)
    this.#timer = setTimeout(() => this.#miss(), UNANSWERED_MS)
  }

  #miss(): void {
    totals.unanswered++
    this.#move()
  }

  #hear(message: string): void {
    const [server = '', id, sent] = message.split(' ')
    // An answer to what was sent anew meanwhile tells nothing that its second one will not.
    if (Number(id) !== this.#id || Number(sent) !== this.#sent || !this.#waits) return
    this.#waits = false
    totals.answers++
    this.answered = this.#asked
    if (this.server !== undefined && server !== this.server) {
      strangers[this.server] = (strangers[this.server] ?? 0) + 1
      this.server = undefined
    } else if (server !== STRANGER) this.server = server
    clearTimeout(this.#timer)
    if (this.server === undefined) this.#move()
    else if (performance.now() > this.#end) this.#giveWay()
    else this.#timer = setTimeout(() => this.#move(), everyMs)
  }

  #giveWay(): void {
    totals.left++
    this.close()
    new Player()
  }
}

/** Players come a few at a time, so that none waits in a queue. */
async function open(players: number): Promise<void> {
  for (let opened = 0; opened < players; opened += 50) {
    for (let one = 0; one < Math.min(50, players - opened); one++) new Player()
    await sleep(5)
  }
}

/** Those that are there, joined or not, and were not answered what they have sent since. They do it without a pause. */
async function hear(patienceMs: number): Promise<number> {
  const now = performance.now()
  const all = [...there]
  for (const end = now + patienceMs; ; await sleep(20)) {
    const silent = all.filter((one) => there.has(one) && (one.server === undefined || one.answered < now))
    if (silent.length === 0 || performance.now() > end) return silent.length
    for (const one of silent) one.hurry()
  }
}

function count(silent: number): Game {
  const servers: Record<string, number> = {}
  for (const { server } of there) if (server !== undefined) servers[server] = (servers[server] ?? 0) + 1
  return { ...totals, there: there.size, strangers, silent, servers }
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as GameOrder
  if (order.do === 'open') await open(order.players)
  const silent = order.do === 'hear' ? await hear(order.patienceMs) : 0
  process.stdout.write(`${JSON.stringify(count(silent))}\n`)
}
process.exit(0)
