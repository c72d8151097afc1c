import type { Talk } from '../../talk/messages.ts'
import type { Mark } from '../timeline.ts'

/** What happens one after the other. */
export const stageNames = ['two', 'join', 'paths', 'kill', 'adopt', 'drain', 'leave', 'back'] as const
export type StageName = (typeof stageNames)[number]

/** A server at one moment. */
export interface ServerMoment {
  /** Buckets that it owns. */
  readonly buckets: number
  /** Connections that it has. */
  readonly connections: number
  /** Packets of clients and of other servers a second that came to it. */
  readonly packets: number
}

/** All servers and connections at one moment. */
export interface Moment {
  /** Seconds since the start. */
  readonly at: number
  readonly stage: StageName
  readonly servers: Readonly<Record<string, ServerMoment>>
  readonly talk: Talk
}

/** What the kernels of the servers say, by server. */
export type Counted = Readonly<Record<string, { readonly buckets: number; readonly packets: number }>>

/** Collects what clients and kernels report. */
export class Timeline {
  readonly moments: Moment[] = []
  readonly marks: Mark[] = []
  readonly #now: () => number
  readonly #began: number
  #last: number
  #stage: StageName = 'two'
  #counted: Counted = {}

  /** @param now milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#began = now()
    this.#last = this.#began
  }

  get stage(): StageName {
    return this.#stage
  }

  /** Seconds since the start. */
  get elapsed(): number {
    return (this.#now() - this.#began) / 1000
  }

  enter(stage: StageName): void {
    this.#stage = stage
  }

  mark(text: string): void {
    this.marks.push({ at: this.elapsed, text })
  }

  /** Notes how things are. `counted`: packets since the server is up. */
  tick(talk: Talk, counted: Counted): Moment {
    const now = this.#now()
    const seconds = Math.max(0.001, (now - this.#last) / 1000)
    const servers = Object.fromEntries(
      Object.entries(counted).map(([name, { buckets, packets }]) => {
        // One that left and is back counts from the beginning.
        const before = Math.min(this.#counted[name]?.packets ?? packets, packets)
        return [name, { buckets, connections: talk.servers[name] ?? 0, packets: (packets - before) / seconds }]
      }),
    )
    const moment = { at: (now - this.#began) / 1000, stage: this.#stage, servers, talk }
    this.#last = now
    this.#counted = counted
    this.moments.push(moment)
    return moment
  }
}
