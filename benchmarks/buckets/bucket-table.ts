import { applyMoves, planMoves, release } from '../../src/balancer/table/index.ts'
import { gained, type Scheme } from './scheme.ts'

/** The balancer's own table. */
export class BucketTable implements Scheme {
  readonly rows = 16_384
  readonly changed = new Set<number>()
  moved = 0
  needed = 0
  /** Milliseconds that each change took to plan. */
  readonly times: number[] = []
  readonly #table = new Uint16Array(this.rows * 2)
  readonly #weights: Map<number, number>
  readonly #down = new Set<number>()
  readonly #careful: boolean

  /** @param careful false: previous owners are forgotten before they have to be, so that any row may move. */
  constructor(servers: number, careful = true) {
    this.#careful = careful
    this.#weights = new Map(Array.from({ length: servers }, (_, index) => [index + 1, 1]))
    this.#plan()
    this.moved = this.needed = 0
  }

  ownerOf(row: number): number {
    return this.#table[row * 2]!
  }

  reaches(row: number, server: number): boolean {
    return server === this.#table[row * 2] || server === this.#table[row * 2 + 1]
  }

  drain(server: number): void {
    this.#weights.set(server, 0)
    this.#plan()
  }

  stop(server: number): void {
    this.#down.add(server)
    this.#plan()
  }

  start(server: number): void {
    this.#weights.set(server, 1)
    this.#down.delete(server)
    this.#plan()
  }

  /** Rows whose previous owner has no flows left are free, and what waited for them moves. */
  forget(isBusy: (row: number, server: number) => boolean): void {
    const idle: number[] = []
    for (let row = 0; row < this.rows; row++) {
      const previous = this.#table[row * 2 + 1]!
      if (previous !== 0 && !isBusy(row, previous)) idle.push(row)
    }
    release(this.#table, idle)
    this.#plan()
  }

  #plan(): void {
    if (!this.#careful) release(this.#table, Array(this.rows).keys())
    const before = this.#counts()
    const began = performance.now()
    const { moves, moved } = planMoves(this.#table, { weights: this.#weights, dead: this.#down })
    this.times.push(performance.now() - began)
    applyMoves(this.#table, moves)
    for (const { row } of moves) this.changed.add(row)
    this.moved += moved
    this.needed += gained(before, this.#counts())
  }

  #counts(): Uint32Array {
    const counts = new Uint32Array(this.#weights.size + 1)
    for (let at = 0; at < this.#table.length; at += 2) counts[this.#table[at]!]!++
    return counts
  }
}
