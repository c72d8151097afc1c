import { compareStamps, poolKey, stampOf, type TableDocument } from '../../src/balancer/fleet/document.ts'
import { Machine, type Measured } from '../../src/balancer/fleet/machine.ts'
import type { Report } from '../../src/balancer/fleet/messages.ts'
import type { FleetTiming } from '../../src/balancer/fleet/peers.ts'

export const ROWS = 16

export interface SimulationOptions {
  readonly machines: number
  /** Of the random numbers; the same seed gives the same run. */
  readonly seed: number
  /** Share of messages that are lost. */
  readonly loss: number
  readonly timing: FleetTiming
}

/** A server: its kernel goes on whatever becomes of its agent. */
interface Server {
  readonly name: string
  machine: Machine | undefined
  /** Counts agents, so that what was meant for a dead one does not reach the next. */
  run: number
  /** The table that its packets are sent by. */
  table: TableDocument | undefined
  /** Rows of its connections; a row stands there once for each. */
  readonly connections: Connection[]
}

interface Connection {
  readonly row: number
  readonly server: Server
  readonly since: number
  /** Whom the routers bring its packets to. */
  via: Server
}

/** A connection lives this long before routers bring it to another server, milliseconds. */
const FIRST_PATH = 5_000

/** Longest way of a message, of a table into the kernel, and of a packet; and when a question is given up; milliseconds. */
const LONGEST = { message: 400, apply: 500, packet: 50, question: 1_500 }

/**
 * A fleet under one clock that is no real one, with a network that loses, delays and reorders messages, and servers whose kernels send
 * packets by the table that they have, as the data plane does. What must never happen is found out while it runs.
 */
export class Simulation {
  readonly options: SimulationOptions
  readonly servers: readonly Server[]
  readonly violations: string[] = []
  /** What happened, so that a test can tell that there was something to see. */
  readonly seen = { moves: 0, releases: 0, connections: 0, packets: 0, broken: 0, secondHops: 0 }
  now = 0
  /** Whether one may talk to the other; both ways unless a test says otherwise. */
  reaches: (from: string, to: string) => boolean = () => true
  /** Conductors move rows. */
  moving = true
  readonly #events: { at: number; order: number; work: () => void }[] = []
  readonly #names: readonly string[]
  /** Latest report of a machine that reached another: rows that it still had connections of. */
  readonly #lastBusy = new Map<string, { time: number; rows: ReadonlySet<number> }>()
  #order = 0
  #state: number

  constructor(options: SimulationOptions) {
    this.options = options
    this.#state = options.seed
    this.#names = Array.from({ length: options.machines }, (_, index) => `server${index}`)
    this.servers = this.#names.map((name) => ({ name, machine: undefined, run: 0, table: undefined, connections: [] }))
    for (const server of this.servers) this.start(server)
  }

  /** Starts an agent, which goes on from the table in the kernel. */
  start(server: Server | undefined): void {
    if (server === undefined || server.machine !== undefined) return
    const run = ++server.run
    server.machine = new Machine({
      self: server.name,
      order: this.#names,
      timing: this.options.timing,
      newReign: () => `${server.name} ${run} ${this.#order++}`,
      ...(server.table && { document: server.table }),
    })
    this.#later(this.random() * this.options.timing.everyMs, () => this.#round(server, run))
  }

  /** Runs until all agents that live have one table and send packets by it, for at most so long. Nothing is moved meanwhile. */
  runUntilAgreed(ms: number): void {
    const end = this.now + ms
    const moving = this.moving
    this.moving = false
    const tables = () =>
      this.servers.flatMap(({ machine, table }) => (machine === undefined ? [] : [machine.document, table]))
    do this.run(100)
    while (this.now < end && new Set(tables()).size > 1)
    this.moving = moving
  }

  /** Kills an agent. Its kernel goes on. */
  kill(server: Server | undefined): void {
    if (server !== undefined) server.machine = undefined
  }

  run(ms: number): void {
    const end = this.now + ms
    for (;;) {
      const next = this.#events[0]
      if (next === undefined || next.at > end) break
      this.#events.shift()
      this.now = next.at
      next.work()
    }
    this.now = end
  }

  /** Clients open, use and close connections from now on, through any server. */
  connect(everyMs: number): void {
    this.#later(this.random() * everyMs * 2, () => {
      this.#open()
      const all = this.servers.flatMap(({ connections }) => connections)
      for (const connection of all) this.#use(connection)
      if (all.length > 3 * ROWS || this.random() < 0.3) this.#close(this.pick(all))
      this.connect(everyMs)
    })
  }

  /** From 0 to 1, without 1 (mulberry32). */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let value = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.random() * list.length)]
  }

  #later(ms: number, work: () => void): void {
    const event = { at: this.now + ms, order: this.#order++, work }
    const place = this.#events.findIndex(({ at }) => at > event.at)
    this.#events.splice(place < 0 ? this.#events.length : place, 0, event)
  }

  #round(server: Server, run: number): void {
    const { machine } = server
    if (machine === undefined || server.run !== run) return
    const report = machine.report(this.#look(server, machine), this.now + 1, this.now)
    this.#note(server.name, server.name, report)
    for (const name of machine.targets(this.now)) this.#ask(server, machine, name, report)
    if (this.moving && machine.mayDecide) this.#decide(server, machine)
    this.#later(this.options.timing.everyMs * (0.9 + 0.2 * this.random()), () => this.#round(server, run))
  }

  #look({ table, name, connections }: Server, { settled }: Machine): Measured {
    const open = new Set(connections.map(({ row }) => row))
    const busy = (table?.pools ?? []).map(({ backends, rows }) => ({
      pool: poolKey(backends),
      rows: Uint32Array.from({ length: ROWS }, (_, row) => row).filter(
        (row) => open.has(row) && backends[(rows[2 * row + 1] ?? 0) - 1] === name,
      ),
    }))
    return { busy, ...(settled && { settled }) }
  }

  #ask(server: Server, machine: Machine, to: string, report: Report): void {
    let open = true
    const alive = () => server.machine === machine
    const end = (work: () => void) => {
      if (open && alive()) work()
      open = false
    }
    this.#later(LONGEST.question, () => end(() => machine.missed(to, this.now)))
    this.#send(server.name, to, () => {
      const other = this.servers.find(({ name }) => name === to)
      if (other?.machine === undefined) return
      this.#note(to, server.name, report)
      const { reply, document } = other.machine.answer(server.name, report, this.now)
      this.#send(to, server.name, () =>
        end(() => {
          machine.heard(to, reply, document, this.now)
          this.#apply(server)
        }),
      )
    })
  }

  #send(from: string, to: string, arrive: () => void): void {
    if (!this.reaches(from, to) || this.random() < this.options.loss) return
    this.#later(this.random() * LONGEST.message, () => {
      if (this.reaches(from, to)) arrive()
    })
  }

  #note(at: string, from: string, { time, busy }: Report): void {
    const key = `${at} ${from}`
    const last = this.#lastBusy.get(key)
    if (last === undefined || time > last.time) {
      this.#lastBusy.set(key, { time, rows: new Set(busy.flatMap(({ rows }) => [...rows])) })
    }
  }

  /** The newest table goes into the kernel some time later, whether or not the agent lives to see it. */
  #apply(server: Server): void {
    const { machine } = server
    const document = machine?.document
    if (machine === undefined || document === undefined || document === server.table) return
    this.#later(this.random() * LONGEST.apply, () => {
      if (server.machine !== machine) return
      const before = server.table
      const order = compareStamps(stampOf(document), before && stampOf(before))
      if (order > 0) server.table = document
      machine.putInForce(stampOf(document))
      const held = machine.document
      if (held === undefined || compareStamps(stampOf(held), stampOf(document)) < 0)
        this.violations.push(`${server.name} went back from version ${document.version} to ${held?.version}`)
    })
  }

  #decide(server: Server, machine: Machine): void {
    const { document } = machine
    const backends = this.#names
    const rows =
      document?.pools[0]?.rows.slice() ??
      Uint16Array.from({ length: 2 * ROWS }, (_, at) => (at % 2 === 0 ? 1 + ((at >> 1) % backends.length) : 0))
    const present = machine.present(this.now)
    const freed = new Set(document === undefined ? [] : this.#release(server, machine, rows))
    for (let row = 0; row < ROWS; row++) {
      const owner = backends[(rows[2 * row] ?? 0) - 1] ?? ''
      if (rows[2 * row + 1] !== 0 || freed.has(row) || !present.has(owner) || this.random() > 0.1) continue
      const next = 1 + Math.floor(this.random() * backends.length)
      if (next === rows[2 * row]) continue
      rows[2 * row + 1] = rows[2 * row] ?? 0
      rows[2 * row] = next
      this.seen.moves++
    }
    if (document !== undefined && rows.every((owner, at) => owner === document.pools[0]?.rows[at])) return
    machine.decide({ pools: [{ backends, rows }], drained: [], dead: [], factors: [] }, this.now)
    this.#apply(server)
  }

  #release(server: Server, machine: Machine, rows: Uint16Array): number[] {
    const free = machine.releasable(this.now).flatMap(({ quiet, expired }) => [...quiet, ...expired])
    for (const row of free) {
      const previous = this.#names[(rows[2 * row + 1] ?? 0) - 1] ?? ''
      if (this.#lastBusy.get(`${server.name} ${previous}`)?.rows.has(row))
        this.violations.push(`${server.name} frees row ${row}, but ${previous} last said to have connections of it`)
      rows[2 * row + 1] = 0
      this.seen.releases++
    }
    return free
  }

  #open(): void {
    const row = Math.floor(this.random() * ROWS)
    const via = this.pick(this.servers)
    const owner = this.#owner(via, row)
    if (owner === undefined || via === undefined) return
    this.#later(this.random() * LONGEST.packet, () => {
      owner.connections.push({ row, server: owner, via, since: this.now })
      this.seen.connections++
    })
  }

  /** A packet of a connection. It is lost if it comes to one who neither has the connection nor passes it on to where it is. */
  #use(connection: Connection): void {
    const { row, server, since } = connection
    if (this.now - since > FIRST_PATH && this.random() < 0.05) connection.via = this.pick(this.servers) ?? server
    const first = this.#owner(connection.via, row)
    if (first === undefined) return
    this.seen.packets++
    if (first === server) return
    this.seen.secondHops++
    const own = this.#owner(first, row)
    const second = own === first ? this.#owner(first, row, 1) : own
    if (second === server) return
    this.seen.broken++
    this.#close(connection)
  }

  #close(connection: Connection | undefined): void {
    const list = connection?.server.connections
    if (connection !== undefined) list?.splice(list.indexOf(connection), 1)
  }

  /** The current owner of a row by a server's table, or the previous one. */
  #owner(by: Server | undefined, row: number, slot = 0): Server | undefined {
    const pool = by?.table?.pools[0]
    const name = pool?.backends[(pool.rows[2 * row + slot] ?? 0) - 1]
    return this.servers.find((server) => server.name === name)
  }
}
