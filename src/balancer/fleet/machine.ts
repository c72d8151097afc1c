import { Conductor } from './conductor.ts'
import { compareStamps, type Stamp, type TableDocument } from './document.ts'
import { FleetError } from './errors.ts'
import { Held, type Verdict } from './follow.ts'
import type { BusyPool, Load, Reply, Report, Said, Settled } from './messages.ts'
import { type FleetTiming, Peers } from './peers.ts'
import { reconcile } from './reconcile.ts'
import type { Releasable } from './transitions.ts'

/** Most machines asked at once besides those that are always asked. */
const MAX_ASKED = 64

export interface MachineOptions {
  readonly self: string
  /** Names of all machines; the first that answers decides about tables. */
  readonly order: readonly string[]
  readonly timing: FleetTiming
  /** The table that the kernel has already. */
  readonly document?: TableDocument
  /** A text of at most 64 characters that nobody gave before. */
  readonly newReign: () => string
}

/** What this machine found when it looked. */
export interface Measured {
  /** {@link Machine.settled} as it was before. */
  readonly settled?: Settled
  readonly busy: readonly BusyPool[]
  readonly load?: Load
}

/** The part of a table that is decided about. */
export type Decision = Pick<TableDocument, 'pools' | 'drained' | 'dead' | 'factors'>

/**
 * One machine of the fleet, without network, kernel or clock: what it asks of whom, answers, believes and decides. `now` is a clock
 * that does not go back, milliseconds.
 */
export class Machine {
  readonly #options: MachineOptions
  readonly #peers: Peers
  readonly #held: Held
  #conductor: Conductor | undefined
  /** Since when it is this machine's turn; it takes office once it has asked all others since. */
  #turnSince: number | undefined
  #settled: Settled | undefined
  #round = 0
  #lastTime = 0

  constructor(options: MachineOptions) {
    this.#options = options
    this.#peers = new Peers(options.self, options.order, options.timing)
    this.#held = new Held(options.document)
  }

  /** The newest table that it has got. */
  get document(): TableDocument | undefined {
    return this.#held.document
  }

  /** Whether this machine decides about tables. */
  get conducts(): boolean {
    return this.#conductor !== undefined
  }

  /** Whether it may decide right now: not while another has a newer table that is still to come here. */
  get mayDecide(): boolean {
    return this.conducts && this.#peers.ahead(this.#held.stamp).length === 0
  }

  /** Name of the machine that decides about tables, as far as this one knows. */
  conductorAt(now: number): string | undefined {
    if (this.conducts) return this.#options.self
    const [other] = this.#peers.conducting()
    const { conductor } = this.#peers.choice(now)
    return conductor === this.#options.self ? other : conductor
  }

  /** Name of the machine to ask for what the conductor shall do: himself, or one that hears him. */
  wayToConductor(now: number): string | undefined {
    const { conductor, via } = this.#peers.choice(now)
    return via ?? (conductor === this.#options.self ? this.#peers.conducting()[0] : conductor)
  }

  /** The conductor's last word on how far all are. To be read before looking for connections. */
  get settled(): Settled | undefined {
    return this.#settled
  }

  /** Rows whose previous slot may be freed; none unless this machine conducts. */
  releasable(now: number): Releasable[] {
    return this.#conductor?.releasable(now) ?? []
  }

  /** Names of those who say something; see {@link Conductor.present}. Empty unless this machine conducts. */
  present(now: number): ReadonlySet<string> {
    return this.#conductor?.present(now) ?? new Set()
  }

  /** Load of the machines, by name; empty unless this machine conducts. */
  loads(now: number): ReadonlyMap<string, Load> {
    return this.#conductor?.loads(now) ?? new Map()
  }

  /** Packets are now sent by this table. */
  putInForce(stamp: Stamp): void {
    this.#held.putInForce(stamp)
  }

  /** Takes a table that was not part of an answer. */
  accept(document: TableDocument, now: number): Verdict {
    const mine = this.#held.document
    const verdict = this.#held.accept(document)
    if (verdict !== 'newer' || this.#conductor === undefined) return verdict
    this.#takeOffice(now)
    const pools = mine && reconcile(document, mine)
    if (pools !== undefined) this.#make({ ...document, pools }, now)
    return verdict
  }

  /**
   * Decides: the table from now on. Versions are higher than all that this machine has heard of.
   *
   * @throws FleetError FLEET_NOT_CONDUCTOR unless {@link mayDecide}.
   */
  decide(decision: Decision, now: number): TableDocument {
    if (this.mayDecide) return this.#make(decision, now)
    const { self } = this.#options
    throw new FleetError(
      'FLEET_NOT_CONDUCTOR',
      this.conducts
        ? `Cannot decide about tables: ${this.#peers.ahead(this.#held.stamp).join(', ')} has a newer one (ask for it first)`
        : `Cannot decide about tables: "${self}" is not the one who does, "${this.conductorAt(now) ?? 'nobody'}" is`,
    )
  }

  /** What it says of itself once a round. `time`: milliseconds since 1970. */
  report({ settled, busy, load }: Measured, time: number, now: number): Report {
    this.#lastTime = Math.max(time, this.#lastTime + 1)
    const { inForce } = this.#held
    const report = {
      ...this.#said(),
      time: this.#lastTime,
      ...(inForce && { inForce }),
      ...(settled && { settled }),
      busy,
      ...(load && { load }),
    }
    this.#conductor?.note(this.#options.self, report, now)
    if (this.#conductor !== undefined) this.#settled = this.#conductor.settled(now)
    return report
  }

  /** Whom to send the report to in this round. */
  targets(now: number): readonly string[] {
    this.#review(now)
    this.#round++
    const { conductor, via } = this.#peers.choice(now)
    const wanted = new Set([
      ...[conductor, via].filter((name) => name !== undefined),
      ...turn(this.#peers.earlierNotUp(), this.#round),
      ...turn(this.#peers.names, this.#round),
      ...this.#peers.conducting(),
      ...this.#peers.ahead(this.#held.stamp).slice(0, MAX_ASKED),
      ...this.#undecided().slice(0, MAX_ASKED),
    ])
    return [...wanted].filter((name) => this.#peers.has(name))
  }

  /** Answers the report of another; the table is there if his is older. */
  answer(from: string, report: Report, now: number): { readonly reply: Reply; readonly document?: TableDocument } {
    this.#peers.overheard(from, report, now)
    this.#review(now)
    this.#conductor?.note(from, report, now)
    const settled = this.#conductor?.settled(now)
    const reply = { ...this.#said(), ...(settled && { settled }) }
    const { document, stamp } = this.#held
    return document !== undefined && compareStamps(stamp, report.has) > 0 ? { reply, document } : { reply }
  }

  /** Another has answered. */
  heard(from: string, reply: Reply, document: TableDocument | undefined, now: number): Verdict | undefined {
    if (!this.#peers.has(from)) return undefined
    const verdict = document && this.accept(document, now)
    this.#peers.answered(from, reply, now)
    if (reply.settled !== undefined && !this.conducts) this.#settled = reply.settled
    this.#review(now)
    return verdict
  }

  /** Another did not answer. */
  missed(from: string, now: number): void {
    this.#peers.missed(from, now)
    this.#review(now)
  }

  #said(): Said {
    const { stamp } = this.#held
    const hears = this.#peers.hears()
    return { ...(stamp && { has: stamp }), conducts: this.conducts, ...(hears !== undefined && { hears }) }
  }

  /** Those who must be asked before this machine may take office. */
  #undecided(): readonly string[] {
    if (this.#turnSince !== undefined && !this.conducts) return this.#peers.undecidedSince(this.#turnSince)
    return this.#peers.hears() === undefined ? this.#peers.earlierNotUp() : []
  }

  /** Takes office when it is its turn, all others were asked, nobody is in office and nobody has a newer table; leaves when it is not. */
  #review(now: number): void {
    if (this.#peers.choice(now).conductor !== this.#options.self) {
      this.#conductor = undefined
      this.#turnSince = undefined
      return
    }
    this.#turnSince ??= now
    if (this.conducts || !this.#peers.allDecidedSince(this.#turnSince)) return
    if (this.#peers.conducting().length > 0 || this.#peers.ahead(this.#held.stamp).length > 0) return
    this.#takeOffice(now)
  }

  #takeOffice(now: number): void {
    const { order, timing, newReign } = this.#options
    this.#conductor = new Conductor({ members: order, timing, reign: newReign(), since: now })
    this.#settled = undefined
    const { document } = this.#held
    if (document !== undefined) this.#conductor.use(document, now)
  }

  #make({ pools, drained, dead, factors }: Decision, now: number): TableDocument {
    const version = 1 + Math.max(this.#held.document?.version ?? 0, this.#peers.highestVersion())
    const document = { version, conductor: this.#options.self, pools, drained, dead, factors }
    this.#held.accept(document)
    this.#conductor?.use(document, now)
    return document
  }
}

/** The one whose turn it is in this round. */
function turn(names: readonly string[], round: number): readonly string[] {
  return names.slice(round % Math.max(names.length, 1)).slice(0, 1)
}
