import type { Game } from '../../game/messages.ts'
import { StageClock } from '../stage-clock.ts'
import type { WebRequest } from './web-clients.ts'

/** What happens one after the other. */
export const stageNames = ['prefixes', 'web', 'game', 'plain', 'kill', 'bindings'] as const
export type StageName = (typeof stageNames)[number]

/** What happened in an interval, and how it was at its end. */
export interface Moment {
  /** Seconds since the start. */
  readonly at: number
  readonly stage: StageName
  /** Answers a second, by the run of nginx. */
  readonly answers: Readonly<Record<string, number>>
  /** Requests a second that failed. */
  readonly failed: number
  /** Players, by the process of the game that knows them. */
  readonly players: Readonly<Record<string, number>>
  /** Players in the interval whose process did not know them. */
  readonly strangers: number
}

/** Collects what clients report. */
export class Timeline extends StageClock<StageName> {
  readonly moments: Moment[] = []
  /** All so far: requests, those that failed, and players whose process did not know them. */
  readonly totals = { requests: 0, failed: 0, strangers: 0 }
  #requests: WebRequest[] = []

  /** @param now milliseconds. */
  constructor(now?: () => number) {
    super('prefixes', now)
  }

  request(request: WebRequest): void {
    this.#requests.push(request)
  }

  /** Ends an interval. */
  tick(game: Game): Moment {
    const { at, seconds } = this.endInterval()
    const requests = this.#requests
    this.#requests = []
    const failed = requests.filter(({ answered }) => !answered).length
    const strangers = sum(game.strangers)
    const moment: Moment = {
      at,
      stage: this.stage,
      answers: rates(countRuns(requests), seconds),
      failed: failed / seconds,
      players: game.servers,
      strangers: strangers - this.totals.strangers,
    }
    this.totals.requests += requests.length
    this.totals.failed += failed
    this.totals.strangers = strangers
    this.moments.push(moment)
    return moment
  }
}

export type Counts = Readonly<Record<string, number>>

export const sum = (counts: Counts): number => Object.values(counts).reduce((total, count) => total + count, 0)

/** Answers by the run that gave them. */
export function countRuns(requests: readonly WebRequest[]): Counts {
  const counts: Record<string, number> = {}
  for (const { answered, run } of requests) if (answered) counts[run] = (counts[run] ?? 0) + 1
  return counts
}

const rates = (counts: Counts, seconds: number): Counts =>
  Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / seconds]))
