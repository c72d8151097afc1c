import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { FleetClient, type PeerAddress } from './client.ts'
import { compareStamps, stampOf, type TableDocument } from './document.ts'
import { FleetError } from './errors.ts'
import { type Decision, Machine, type Measured } from './machine.ts'
import type { ForwardedWish, Load, Report, Wish, WishDone } from './messages.ts'
import { defaultTiming, type FleetTiming } from './peers.ts'
import { FleetServer } from './server.ts'
import type { Releasable } from './transitions.ts'

/** Machines that a wish goes through at most on its way to the one who decides. */
const MAX_HOPS = 2

/** What the fleet asks of the machine that it runs on. An error of any of them is told, and tried again in the next round. */
export interface FleetHooks {
  /** Sends packets by this table from now on. Called one after the other, always with a newer one; some may be left out. */
  putInForce(document: TableDocument): Promise<void>
  /** Looks for connections of rows whose previous owner is this machine. `document` is the table in force. */
  look(document: TableDocument | undefined): Promise<Omit<Measured, 'settled'>>
  /** An operator wants something, and this machine decides: does it, by {@link Fleet.decide}. */
  wish(wish: Wish): Promise<void>
  /** A round is over: the time to decide if this machine may. */
  round(): Promise<void>
  failed(error: unknown): void
}

export interface FleetOptions {
  readonly self: string
  /** All machines, the first choice for deciding first; this one too if it is one. */
  readonly machines: readonly PeerAddress[]
  /** `balancer.key`, 16 bytes. */
  readonly key: Uint8Array
  /** Every address if absent. */
  readonly host?: string
  readonly port: number
  readonly timing?: Partial<FleetTiming>
  /** The table that is in force already. */
  readonly document?: TableDocument
  readonly hooks: FleetHooks
}

/** This machine's part in the fleet: answers the others, asks them once a round, and hands on the table. */
export class Fleet {
  readonly #options: FleetOptions
  readonly #timing: FleetTiming
  readonly #machine: Machine
  readonly #client: FleetClient
  readonly #peers: ReadonlyMap<string, PeerAddress>
  readonly #closed = new AbortController()
  readonly #asking = new Map<string, Promise<void>>()
  #server: FleetServer | undefined
  #inForce: TableDocument | undefined
  #applied: Promise<void> = Promise.resolve()
  #running: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  /** Listens, and begins with the first round. @throws FleetError FLEET_LISTEN */
  static async open(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options)
    await fleet.#listen()
    fleet.#running = fleet.#round()
    return fleet
  }

  private constructor(options: FleetOptions) {
    const { self, machines, key, document } = options
    this.#options = options
    this.#timing = { ...defaultTiming, ...options.timing }
    this.#inForce = document
    this.#peers = new Map(machines.filter(({ name }) => name !== self).map((peer) => [peer.name, peer]))
    this.#client = new FleetClient({ self, key, timeoutMs: this.#timing.silentMs })
    this.#machine = new Machine({
      self,
      order: machines.map(({ name }) => name),
      timing: this.#timing,
      newReign: randomUUID,
      ...(document && { document }),
    })
  }

  /** The newest table; it is in force, or about to be. */
  get document(): TableDocument | undefined {
    return this.#machine.document
  }

  /** Name of the machine that decides about tables. */
  get conductor(): string | undefined {
    return this.#machine.conductorAt(performance.now())
  }

  /** Whether it is this machine. */
  get conducts(): boolean {
    return this.#machine.conducts
  }

  /** Whether this machine may decide now. */
  get mayDecide(): boolean {
    return this.#machine.mayDecide
  }

  get port(): number | undefined {
    return this.#server?.port
  }

  get counts(): FleetServer['counts'] | undefined {
    return this.#server?.counts
  }

  /** Rows whose previous slot may be freed; none unless this machine decides. */
  releasable(): readonly Releasable[] {
    return this.#machine.releasable(performance.now())
  }

  /** Names of the machines that say something: rows of others should stay unless those are dead. Empty unless this machine decides. */
  present(): ReadonlySet<string> {
    return this.#machine.present(performance.now())
  }

  /** Load of the machines, by name; empty unless this machine decides. */
  loads(): ReadonlyMap<string, Load> {
    return this.#machine.loads(performance.now())
  }

  /** The table from now on, here at once and on the others as soon as they hear of it. @throws FleetError FLEET_NOT_CONDUCTOR; FLEET_LEFT */
  async decide(decision: Decision): Promise<TableDocument> {
    // Nobody else would hear of it.
    if (this.#closed.signal.aborted)
      throw new FleetError('FLEET_LEFT', 'Cannot decide about tables: this machine has left the fleet (try again)')
    const document = this.#machine.decide(decision, performance.now())
    // To hear of it is enough: they ask for it at once.
    for (const name of this.#peers.keys()) this.#ask(name, this.#report({ busy: [] }))
    await this.#apply()
    return document
  }

  /** Does what an operator wants, or hands it to the one who decides. @throws FleetError */
  wish(wish: Wish): Promise<WishDone> {
    return this.#wish({ ...wish, hops: MAX_HOPS })
  }

  /** Ends the rounds, all connections and what is under way. */
  async close(): Promise<void> {
    this.#closed.abort()
    clearTimeout(this.#timer)
    await this.#server?.close()
    await this.#running
    await Promise.all(this.#asking.values())
    await this.#applied
    this.#client.close()
  }

  async #listen(): Promise<void> {
    const { self, key, host, port, machines } = this.#options
    this.#server = await FleetServer.listen({
      self,
      key,
      port,
      ...(host === undefined ? {} : { host }),
      members: machines.map(({ name }) => name),
      handlers: {
        report: (from, report) => this.#answer(from, report),
        table: () => this.document,
        wish: (_from, wish) => this.#wish(wish),
      },
    })
  }

  #answer(from: string, report: Report): ReturnType<Machine['answer']> {
    const { document } = this
    const answer = this.#machine.answer(from, report, performance.now())
    if (compareStamps(report.has, document && stampOf(document)) > 0) this.#ask(from, this.#report({ busy: [] }))
    return answer
  }

  async #round(): Promise<void> {
    const { hooks } = this.#options
    const { settled } = this.#machine
    const looked = await this.#attempt(() => hooks.look(this.#inForce))
    const report = this.#report({ busy: [], ...looked, ...(settled && { settled }) })
    for (const name of this.#machine.targets(performance.now())) this.#ask(name, report)
    await this.#apply()
    await this.#attempt(() => hooks.round())
    if (this.#closed.signal.aborted) return
    this.#timer = setTimeout(() => {
      this.#running = this.#round()
    }, this.#timing.everyMs)
  }

  #report(measured: Measured): Report {
    return this.#machine.report(measured, Date.now(), performance.now())
  }

  /** Asks another, unless a question to it is under way. A slow one holds up nothing else. */
  #ask(name: string, report: Report): void {
    const peer = this.#peers.get(name)
    if (peer === undefined || this.#asking.has(name) || this.#closed.signal.aborted) return
    this.#asking.set(
      name,
      this.#exchange(peer, report).finally(() => this.#asking.delete(name)),
    )
  }

  async #exchange(peer: PeerAddress, report: Report): Promise<void> {
    try {
      const { reply, document } = await this.#client.report(peer, report, this.#closed.signal)
      this.#machine.heard(peer.name, reply, document, performance.now())
      await this.#apply()
    } catch (error) {
      if (this.#closed.signal.aborted) return
      this.#machine.missed(peer.name, performance.now())
      this.#options.hooks.failed(error)
    }
  }

  /** Puts the newest table in force, after those that are about to be. */
  #apply(): Promise<void> {
    this.#applied = this.#applied.then(() => this.#applyNewest())
    return this.#applied
  }

  async #applyNewest(): Promise<void> {
    const { document } = this
    if (document === undefined || document === this.#inForce) return
    const done = await this.#attempt(async () => {
      await this.#options.hooks.putInForce(document)
      return true
    })
    if (done !== true) return
    this.#inForce = document
    this.#machine.putInForce(stampOf(document))
  }

  /** Does it here or has another do it, for some time: a machine with a new configuration leaves the fleet, and has to take office again. */
  async #wish(wish: ForwardedWish): Promise<WishDone> {
    const { everyMs, silentMs } = this.#timing
    // Whoever asks this machine gives up after `silentMs`.
    const end = performance.now() + silentMs / 2
    const isOver = () => performance.now() > end || this.#closed.signal.aborted
    for (;;) {
      const way = this.mayDecide ? this.#options.self : this.#machine.wayToConductor(performance.now())
      try {
        if (way !== undefined || isOver()) return await this.#tell(way, wish)
      } catch (error) {
        // Done or not, it may be said again.
        const mayAnswerYet = error instanceof FleetError && error.code === 'FLEET_UNREACHABLE'
        if (!mayAnswerYet || isOver()) throw error
      }
      await sleep(everyMs / 10)
    }
  }

  async #tell(name: string | undefined, { kind, backend, hops }: ForwardedWish): Promise<WishDone> {
    const { self, hooks } = this.#options
    if (name === self) {
      await hooks.wish({ kind, backend })
      return { conductor: self, version: this.document?.version ?? 0 }
    }
    const peer = this.#peers.get(name ?? '')
    if (peer === undefined || hops < 1)
      throw new FleetError(
        'FLEET_NO_CONDUCTOR',
        `Cannot ${kind} "${backend}": no machine decides about tables at the moment (try again in some seconds)`,
      )
    return await this.#client.wish(peer, { kind, backend, hops: hops - 1 }, this.#closed.signal)
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      this.#options.hooks.failed(error)
      return undefined
    }
  }
}
