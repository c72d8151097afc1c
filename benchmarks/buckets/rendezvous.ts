import { gained, mix, type Scheme } from './scheme.ts'

/** Servers that are remembered of each row's order: one may be gone. */
const RANKS = 3

/**
 * Rendezvous hashing with a second server (GLB director): each row has an order of all servers; the first two that are there are asked
 * one after the other, the one that is drained last.
 */
export class Rendezvous implements Scheme {
  readonly rows = 65_536
  readonly changed = new Set<number>()
  moved = 0
  needed = 0
  /** The first servers of each row's order. */
  readonly #order = new Uint16Array(this.rows * RANKS)
  readonly #table = new Uint16Array(this.rows * 2)
  readonly #rowsOf: readonly number[][]
  readonly #counts: Uint32Array
  readonly #drained = new Set<number>()
  readonly #gone = new Set<number>()

  constructor(servers: number) {
    this.#rowsOf = Array.from({ length: servers + 1 }, () => [])
    this.#counts = new Uint32Array(servers + 1)
    for (let row = 0; row < this.rows; row++) {
      this.#rank(row, servers)
      for (let rank = 0; rank < RANKS; rank++) this.#rowsOf[this.#order[row * RANKS + rank]!]!.push(row)
      this.#fill(row)
      this.#counts[this.ownerOf(row)]!++
    }
  }

  ownerOf(row: number): number {
    return this.#table[row * 2]!
  }

  reaches(row: number, server: number): boolean {
    return server === this.#table[row * 2] || server === this.#table[row * 2 + 1]
  }

  drain(server: number): void {
    this.#drained.add(server)
    this.#change(server)
  }

  stop(server: number): void {
    this.#gone.add(server)
    this.#change(server)
  }

  start(server: number): void {
    this.#drained.delete(server)
    this.#gone.delete(server)
    this.#change(server)
  }

  #change(server: number): void {
    const before = this.#counts.slice()
    for (const row of this.#rowsOf[server]!) {
      const was = this.ownerOf(row)
      this.#fill(row)
      this.changed.add(row)
      if (was === this.ownerOf(row)) continue
      this.moved++
      this.#counts[was]!--
      this.#counts[this.ownerOf(row)]!++
    }
    this.needed += gained(before, this.#counts)
  }

  #fill(row: number): void {
    const there: number[] = []
    for (let rank = 0; rank < RANKS; rank++) {
      const server = this.#order[row * RANKS + rank]!
      if (!this.#gone.has(server)) there.push(server)
    }
    const [first, second] = there
    const swapped = this.#drained.has(first!)
    this.#table[row * 2] = swapped ? second! : first!
    this.#table[row * 2 + 1] = swapped ? first! : second!
  }

  #rank(row: number, servers: number): void {
    const scores = new Float64Array(RANKS).fill(-1)
    const at = row * RANKS
    for (let server = 1; server <= servers; server++) {
      const score = mix(row, server)
      let rank = RANKS
      while (rank > 0 && score > scores[rank - 1]!) rank--
      if (rank === RANKS) continue
      scores.copyWithin(rank + 1, rank, RANKS - 1)
      this.#order.copyWithin(at + rank + 1, at + rank, at + RANKS - 1)
      scores[rank] = score
      this.#order[at + rank] = server
    }
  }
}
