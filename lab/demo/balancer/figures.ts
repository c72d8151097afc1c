import type { Talk } from '../../talk/messages.ts'
import type { StageName } from './timeline.ts'

/** What a stage has brought. Counts of connections are of this stage alone, but for `open`, `opening` and `servers`, which are at its end. */
export interface StageFigures {
  readonly name: StageName
  readonly seconds: number
  readonly open: number
  /** Connections that are not made yet, in the places of others that have ended. */
  readonly opening: number
  readonly begun: number
  readonly ended: number
  readonly failed: number
  readonly lost: number
  readonly moved: number
  /** Connections that asked something at the end of the stage, and had no answer although there was time. */
  readonly silent: number
  /** Connections that waited longer than a second and a half for an answer for the first time: the machine may have been busy. */
  readonly waited: number
  readonly answers: number
  /** Connections at its end, by server. */
  readonly servers: Readonly<Record<string, number>>
}

export function figures(name: StageName, seconds: number, before: Talk, after: Talk): StageFigures {
  return {
    name,
    seconds: Math.round(seconds * 10) / 10,
    open: after.open,
    opening: after.opening,
    begun: after.opened - before.opened,
    ended: after.ended - before.ended,
    failed: after.failed - before.failed,
    lost: after.lost - before.lost,
    moved: after.moved - before.moved,
    silent: after.silent,
    waited: after.stalled - before.stalled,
    answers: after.answers - before.answers,
    servers: after.servers,
  }
}
