import type { Game } from '../../game/messages.ts'
import { summarize } from '../latency.ts'
import { type Counts, countRuns, type StageName } from './timeline.ts'
import type { WebRequest } from './web-clients.ts'

/** What was done in a stage; absent is what was not. */
export interface Done {
  /** Runs that took the places of others. */
  readonly restarts?: number
  /** The process that was killed, and the players that it knew. */
  readonly killed?: { readonly server: string; readonly players: number }
  /** How often all bindings were replaced, and how many there were. */
  readonly replaced?: { readonly times: number; readonly bindings: number }
}

/** What a stage has brought. Counts are of this stage alone, but for `players` and `servers`, which are at its end. */
export interface StageFigures {
  readonly name: StageName
  readonly seconds: number
  readonly done: Done
  readonly web: WebFigures
  readonly game: GameFigures
  /** Look-ups of the kernel that found no open socket. */
  readonly missing: { readonly web: number; readonly game: number }
}

/** Requests to nginx, each with a connection of its own. */
export interface WebFigures {
  readonly sent: number
  readonly answered: number
  readonly failed: number
  readonly latencyMsP50: number | null
  readonly latencyMsP99: number | null
  /** Different addresses and ports that answered. */
  readonly places: number
  /** Answers by run. */
  readonly runs: Counts
}

/** Players of the game. */
export interface GameFigures {
  readonly players: number
  readonly came: number
  readonly left: number
  /** Moves that were answered. */
  readonly answers: number
  /** How often a process got a move of a player that it did not know, by the process that knew him. */
  readonly strangers: Counts
  /** Datagrams without an answer within a second. */
  readonly unanswered: number
  /** Players without an answer at the end of the stage, although there was time. */
  readonly silent: number
  /** Players at its end, by process. */
  readonly servers: Counts
}

export interface StageInput {
  readonly name: StageName
  readonly seconds: number
  readonly done: Done
  readonly requests: readonly WebRequest[]
  readonly before: Game
  readonly after: Game
  readonly missing: StageFigures['missing']
}

export function figures({ name, seconds, done, requests, before, after, missing }: StageInput): StageFigures {
  const { sent, answered, latencyMsP50, latencyMsP99 } = summarize(requests)
  const web: WebFigures = {
    sent,
    answered,
    failed: sent - answered,
    latencyMsP50,
    latencyMsP99,
    places: new Set(requests.filter((one) => one.answered).map(({ place }) => place)).size,
    runs: countRuns(requests),
  }
  return { name, seconds: Math.round(seconds * 10) / 10, done, web, game: gameFigures(before, after), missing }
}

function gameFigures(before: Game, after: Game): GameFigures {
  const grown = Object.entries(after.strangers).map(
    ([server, count]) => [server, count - (before.strangers[server] ?? 0)] as const,
  )
  return {
    players: after.there,
    came: after.came - before.came,
    left: after.left - before.left,
    answers: after.answers - before.answers,
    strangers: Object.fromEntries(grown.filter(([, count]) => count > 0)),
    unanswered: after.unanswered - before.unanswered,
    silent: after.silent,
    servers: after.servers,
  }
}
