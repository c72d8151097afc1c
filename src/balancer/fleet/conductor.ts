import { type Stamp, stampOf, type TableDocument } from './document.ts'
import type { Load, Report, Settled } from './messages.ts'
import type { FleetTiming } from './peers.ts'
import { type Releasable, Transitions } from './transitions.ts'

/** Tables remembered to tell how far a machine is. One that is further behind than this counts as having none. */
const MAX_REMEMBERED = 1_024

export interface ConductorOptions {
  /** Names of all machines that packets may come to, this one too. */
  readonly members: readonly string[]
  readonly timing: FleetTiming
  /** Of this time in office; no other has the same. */
  readonly reign: string
  /** When it began. */
  readonly since: number
}

/** The last that a machine said. */
interface Heard {
  readonly time: number
  /** Version of its table in force, 0 if that is none of this time in office. */
  readonly version: number
  readonly load: Load | undefined
  readonly at: number
}

/**
 * What the machine that decides about tables knows of the others, for one time in office: it begins with a table, which this machine or
 * another has made, and ends when another decides, or when the table of another takes the place of its own.
 */
export class Conductor {
  readonly #options: ConductorOptions
  readonly #transitions: Transitions
  readonly #heard = new Map<string, Heard>()
  /** Versions of the tables of this time in office, by stamp. */
  readonly #versions = new Map<string, number>()
  #document: TableDocument | undefined

  constructor(options: ConductorOptions) {
    this.#options = options
    this.#transitions = new Transitions(options.timing)
  }

  get document(): TableDocument | undefined {
    return this.#document
  }

  /** The table from now on. Its version is higher than that of the one before. */
  use(document: TableDocument, now: number): void {
    this.#document = document
    this.#transitions.update(document, now)
    this.#versions.set(textOf(stampOf(document)), document.version)
    const oldest = this.#versions.keys().next().value
    if (this.#versions.size > MAX_REMEMBERED && oldest !== undefined) this.#versions.delete(oldest)
  }

  /** Takes a report. One that is older than the last from there says nothing: then this is false. */
  note(from: string, report: Report, now: number): boolean {
    const last = this.#heard.get(from)
    if (last !== undefined && report.time <= last.time) return false
    const { time, inForce, settled, busy, load } = report
    const version = (inForce && this.#versions.get(textOf(inForce))) ?? 0
    this.#heard.set(from, { time, version, load, at: now })
    const own = settled?.reign === this.#options.reign ? settled : undefined
    this.#transitions.note(from, own, busy, now)
    return true
  }

  /**
   * A version that no machine's packets are behind any more. Those that say nothing count as far as they were when they last said
   * something, for their packets are still sent by that table, but for those that are dead to all.
   */
  settled(now: number): Settled | undefined {
    const counted = this.#options.members.filter((name) => !this.#isGone(name, now))
    const version = Math.min(...counted.map((name) => this.#heard.get(name)?.version ?? 0))
    return version > 0 && Number.isFinite(version) ? { reign: this.#options.reign, version } : undefined
  }

  /** Rows whose previous slot may be freed. */
  releasable(now: number): Releasable[] {
    return this.#transitions.releasable(now)
  }

  /**
   * Names of those who say something. Rows of another should stay with him unless he is dead: his kernel would go on to take new
   * connections of them for its own, and would not pass on those that others have.
   */
  present(now: number): ReadonlySet<string> {
    const { silentMs } = this.#options.timing
    return new Set([...this.#heard].flatMap(([name, { at }]) => (now - at < silentMs ? [name] : [])))
  }

  /** What machines said of their load, by name; not of those that say nothing any more. */
  loads(now: number): ReadonlyMap<string, Load> {
    const loads = new Map<string, Load>()
    for (const name of this.present(now)) {
      const load = this.#heard.get(name)?.load
      if (load !== undefined) loads.set(name, load)
    }
    return loads
  }

  /** It says nothing, and fails its checks in every pool that it is in. */
  #isGone(name: string, now: number): boolean {
    const { pools = [], dead = [] } = this.#document ?? {}
    const { since, timing } = this.#options
    if (now - (this.#heard.get(name)?.at ?? since) < timing.silentMs) return false
    const own = pools.flatMap(({ backends }, pool) => (backends.includes(name) ? [pool] : []))
    return own.length > 0 && own.every((pool) => dead.some((one) => one.pool === pool && one.backend === name))
  }
}

function textOf({ version, conductor, digest }: Stamp): string {
  return `${version} ${conductor} ${digest}`
}
