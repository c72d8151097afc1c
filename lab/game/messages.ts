import type { Target } from '../talk/messages.ts'

/** What the program with the players is to do; it is handed over when it starts. */
export interface GamePlan {
  /** Each player goes to the next of them. */
  readonly targets: readonly Target[]
  /** Milliseconds between an answer and the next move. */
  readonly everyMs: number
  /** Milliseconds that players stay, on average; some half of it, some one and a half times. Then others come in their places. */
  readonly lifeMs: number
}

/** What the program with the players is told, one JSON object a line. */
export type GameOrder =
  | { readonly do: 'open'; readonly players: number }
  | { readonly do: 'count' }
  /** Waits until each player has had an answer to something that he sent since. */
  | { readonly do: 'hear'; readonly patienceMs: number }

/** What has become of all players so far. */
export interface Game {
  /** Players that came, those of them that are there, and those that left as they should. */
  readonly came: number
  readonly there: number
  readonly left: number
  /** Moves that were answered. */
  readonly answers: number
  /** Datagrams without an answer after a second, which are sent anew. */
  readonly unanswered: number
  /** How often a process got moves of a player that it does not know, by the server that knew him. */
  readonly strangers: Readonly<Record<string, number>>
  /** Players without an answer although there was patience; only after `hear`. */
  readonly silent: number
  /** Players that are there, by the name of their server. */
  readonly servers: Readonly<Record<string, number>>
}
