/** A way to spread flows over servers, numbered from 1: each flow is of a row, and rows have servers. */
export interface Scheme {
  readonly rows: number
  /** Rows that have other servers since this was last emptied. */
  readonly changed: Set<number>
  /** Rows whose first server has changed so far, and of them those that had to: what servers have more than before. */
  readonly moved: number
  readonly needed: number
  /** The server that gets new flows of a row. */
  ownerOf(row: number): number
  /** Whether packets of a row come to this server, at once or by another. */
  reaches(row: number, server: number): boolean
  /** The server is to have no new flows. */
  drain(server: number): void
  /** It is not there, and has no flows any more. */
  stop(server: number): void
  start(server: number): void
  /** Flows have ended: servers that are only there for old flows may be forgotten. */
  forget?(isBusy: (row: number, server: number) => boolean): void
}

/** How many rows had to move: those that servers have more than before. */
export function gained(before: Uint32Array, after: Uint32Array): number {
  return after.reduce((sum, rows, server) => sum + (server === 0 ? 0 : Math.max(0, rows - before[server]!)), 0)
}

/** A hash of two numbers, 32 bits: the steps at the end of MurmurHash3. */
export function mix(a: number, b: number): number {
  let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
