/** Where connections go, and what addresses they come from, in turn. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly addresses: readonly string[]
}

/** What the program with the clients is to do; it is handed over when it starts. */
export interface Plan {
  /** Each connection goes to the next of them. */
  readonly targets: readonly Target[]
  /** Milliseconds between an answer and the next line. */
  readonly everyMs: number
  /**
   * Milliseconds that connections talk, on average; some half of it, some one and a half times. Then they end, and others begin in their
   * places. They stay if absent.
   */
  readonly lifeMs?: number
}

/** What the program with the clients is told, one JSON object a line. */
export type Order =
  | { readonly do: 'open'; readonly connections: number }
  | { readonly do: 'count' }
  /** Waits until each connection that was begun by then is there, and was answered something that it has asked since. */
  | { readonly do: 'hear'; readonly patienceMs: number }
  /** Closes all of them. */
  | { readonly do: 'end' }

/** What has become of all connections so far. */
export interface Talk {
  /** Connections that were begun, those of them that are not there yet, those that are, and those that ended as they should. */
  readonly opened: number
  readonly opening: number
  readonly open: number
  readonly ended: number
  /** Connections that could not be made. */
  readonly failed: number
  /** Connections that were reset or closed by the other side. */
  readonly lost: number
  /** Connections that were answered by another server than before. */
  readonly moved: number
  /** Connections that have waited longer than a second and a half for an answer, at least once. */
  readonly stalled: number
  /** Connections that were not made, or not answered, although there was patience; only after `hear`. */
  readonly silent: number
  readonly answers: number
  /** Connections that are there, by the name of their server. */
  readonly servers: Readonly<Record<string, number>>
}
