import { gained, mix, type Scheme } from './scheme.ts'

/**
 * Maglev hashing (Eisenbud et al. 2016, 3.4): servers take rows in turn, each by an order of its own. Flows go where the table says: as if no
 * balancer remembered them, or routers had sent them to another one.
 */
export class Maglev implements Scheme {
  /** A prime, that of the paper's smaller table. */
  readonly rows = 65_537
  readonly changed = new Set<number>()
  moved = 0
  needed = 0
  readonly #servers: number
  readonly #gone = new Set<number>()
  #table: Uint16Array
  #counts: Uint32Array

  constructor(servers: number) {
    this.#servers = servers
    this.#table = this.#populate()
    this.#counts = this.#count()
  }

  ownerOf(row: number): number {
    return this.#table[row]!
  }

  reaches(row: number, server: number): boolean {
    return server === this.#table[row]
  }

  drain(server: number): void {
    this.#gone.add(server)
    this.#change()
  }

  stop(): void {}

  start(server: number): void {
    this.#gone.delete(server)
    this.#change()
  }

  #change(): void {
    const [table, counts] = [this.#table, this.#counts]
    this.#table = this.#populate()
    this.#counts = this.#count()
    for (let row = 0; row < this.rows; row++) {
      if (table[row] === this.#table[row]) continue
      this.changed.add(row)
      this.moved++
    }
    this.needed += gained(counts, this.#counts)
  }

  #populate(): Uint16Array {
    const table = new Uint16Array(this.rows)
    const servers: number[] = []
    for (let server = 1; server <= this.#servers; server++) if (!this.#gone.has(server)) servers.push(server)
    const places = Uint32Array.from(servers, (server) => mix(server, 1) % this.rows)
    const skips = Uint32Array.from(servers, (server) => (mix(server, 2) % (this.rows - 1)) + 1)
    for (let filled = 0, turn = 0; filled < this.rows; filled++, turn = (turn + 1) % servers.length) {
      let place = places[turn]!
      while (table[place] !== 0) place = (place + skips[turn]!) % this.rows
      table[place] = servers[turn]!
      places[turn] = (place + skips[turn]!) % this.rows
    }
    return table
  }

  #count(): Uint32Array {
    const counts = new Uint32Array(this.#servers + 1)
    for (const server of this.#table) counts[server]!++
    return counts
  }
}
