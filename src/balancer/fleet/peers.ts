import { compareStamps, type Stamp } from './document.ts'
import type { Said } from './messages.ts'

/** Milliseconds, but for `steady`. */
export interface FleetTiming {
  /** From one round of questions to the next. */
  readonly everyMs: number
  /** How long a machine that answered may say nothing before the next one takes its place. */
  readonly silentMs: number
  /** Answers in a row of one that was silent, before it counts again. */
  readonly steady: number
  /** How long a previous owner must say that it has no connection before its slot is freed. */
  readonly quietMs: number
  /** After this time a slot is freed whatever the previous owner says. */
  readonly transitionMs: number
}

export const defaultTiming: FleetTiming = {
  everyMs: 1_000,
  silentMs: 3_000,
  steady: 3,
  quietMs: 3_000,
  transitionMs: 3_600_000,
}

interface Peer {
  readonly name: string
  /** `unknown`: neither has it answered yet, nor has it been silent for long enough. */
  state: 'unknown' | 'up' | 'silent'
  answersInRow: number
  /** When the first of the questions was given up that it has not answered since. */
  missingSince: number | undefined
  /** When it last answered, or a question to it was given up. */
  decidedAt: number
  /** Its latest word, and when that came. */
  said: Said | undefined
  saidAt: number
}

/** Who shall decide about tables, and through whom he is heard of if not directly. */
export interface Choice {
  readonly conductor?: string
  readonly via?: string
}

/**
 * Which of the machines answer. One that was silent counts again only when it has answered several times in a row, and one that answered
 * counts on until it has been silent for some time; so a short pause changes nothing. `now` is any clock that does not go back,
 * milliseconds.
 */
export class Peers {
  readonly #self: string
  readonly #order: readonly string[]
  readonly #timing: FleetTiming
  readonly #peers: ReadonlyMap<string, Peer>

  /** `order`: names of all machines, the first is the first choice; this one may be among them. */
  constructor(self: string, order: readonly string[], timing: FleetTiming) {
    this.#self = self
    this.#order = order
    this.#timing = timing
    this.#peers = new Map(order.filter((name) => name !== self).map((name) => [name, newPeer(name)]))
  }

  get names(): readonly string[] {
    return [...this.#peers.keys()]
  }

  has(name: string): boolean {
    return this.#peers.has(name)
  }

  /** It answered a question. */
  answered(name: string, said: Said, now: number): void {
    const peer = this.#peers.get(name)
    if (peer === undefined) return
    peer.said = said
    peer.saidAt = now
    peer.decidedAt = now
    peer.missingSince = undefined
    peer.answersInRow++
    if (peer.state === 'unknown' || peer.answersInRow >= this.#timing.steady) peer.state = 'up'
  }

  /** A question to it was given up. */
  missed(name: string, now: number): void {
    const peer = this.#peers.get(name)
    if (peer === undefined) return
    peer.decidedAt = now
    peer.answersInRow = 0
    peer.missingSince ??= now
    if (now - peer.missingSince >= this.#timing.silentMs) peer.state = 'silent'
  }

  /** It asked something: that is news of what it has, but no sign that it can be asked. */
  overheard(name: string, said: Said, now: number): void {
    const peer = this.#peers.get(name)
    if (peer === undefined) return
    peer.said = said
    peer.saidAt = now
  }

  /** The first of the order that answers, or this machine; undefined while that cannot be known yet. */
  hears(): string | undefined {
    for (const name of this.#order) {
      const state = name === this.#self ? 'up' : this.#peers.get(name)?.state
      if (state === 'up') return name
      if (state === 'unknown') return undefined
    }
    return undefined
  }

  /**
   * Like {@link hears}, but one earlier in the order that another machine hears comes first: if this one could not reach him alone and
   * decided by itself, there would be two tables.
   */
  choice(now: number): Choice {
    const heard = this.hears()
    const end = heard === undefined ? this.#order.length : this.#order.indexOf(heard)
    for (const name of this.#order.slice(0, end)) {
      const via = this.#whoHears(name, now)
      if (via !== undefined) return { conductor: name, via }
      if (this.#peers.get(name)?.state === 'unknown') return {}
    }
    return heard === undefined ? {} : { conductor: heard }
  }

  /** Everybody has answered since then, or a question to him was given up. */
  allDecidedSince(when: number): boolean {
    return this.undecidedSince(when).length === 0
  }

  undecidedSince(when: number): readonly string[] {
    return [...this.#peers.values()].filter(({ decidedAt }) => decidedAt < when).map(({ name }) => name)
  }

  /** Those who answer and say that they decide about tables. */
  conducting(): readonly string[] {
    return this.#up()
      .filter(({ said }) => said?.conducts)
      .map(({ name }) => name)
  }

  /** Those who answer and have a newer table than this. */
  ahead(of: Stamp | undefined): readonly string[] {
    return this.#up()
      .filter(({ said }) => compareStamps(said?.has, of) > 0)
      .map(({ name }) => name)
  }

  /** Earlier ones than this machine that do not count at the moment: they may have come back. */
  earlierNotUp(): readonly string[] {
    const own = this.#order.indexOf(this.#self)
    const earlier = own < 0 ? this.#order : this.#order.slice(0, own)
    return earlier.filter((name) => this.#peers.get(name)?.state !== 'up')
  }

  /** The highest version that anyone was heard to have. */
  highestVersion(): number {
    return Math.max(0, ...[...this.#peers.values()].map(({ said }) => said?.has?.version ?? 0))
  }

  /** Old words do not count: he may be gone since. */
  #whoHears(name: string, now: number): string | undefined {
    const fresh = ({ said, saidAt }: Peer) => said?.hears === name && now - saidAt < this.#timing.silentMs
    return this.#up().find((peer) => peer.name !== name && fresh(peer))?.name
  }

  #up(): Peer[] {
    return [...this.#peers.values()].filter(({ state }) => state === 'up')
  }
}

function newPeer(name: string): Peer {
  return {
    name,
    state: 'unknown',
    answersInRow: 0,
    missingSince: undefined,
    decidedAt: Number.NEGATIVE_INFINITY,
    said: undefined,
    saidAt: Number.NEGATIVE_INFINITY,
  }
}
