import type { Talk } from '../../talk/messages.ts'
import { StageClock } from '../stage-clock.ts'

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
export class Timeline extends StageClock<StageName> {
  readonly moments: Moment[] = []
  #counted: Counted = {}

  /** @param now milliseconds. */
  constructor(now?: () => number) {
    super('two', now)
  }

  /** Notes how things are. `counted`: packets since the server is up. */
  tick(talk: Talk, counted: Counted): Moment {
    const { at, seconds } = this.endInterval()
    const servers = Object.fromEntries(
      Object.entries(counted).map(([name, { buckets, packets }]) => {
        // One that left and is back counts from the beginning.
        const before = Math.min(this.#counted[name]?.packets ?? packets, packets)
        return [name, { buckets, connections: talk.servers[name] ?? 0, packets: (packets - before) / seconds }]
      }),
    )
    const moment = { at, stage: this.stage, servers, talk }
    this.#counted = counted
    this.moments.push(moment)
    return moment
  }
}
