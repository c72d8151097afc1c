import { mix, type Scheme } from './scheme.ts'

/** Flows of clients, each on the server that it began on until it ends; then its client begins another. */
export class Flows {
  readonly #scheme: Scheme
  /** Flows in the order of their rows: those of a row are from one place of `#first` to the next. */
  readonly #first: Uint32Array
  readonly #rows: Uint32Array
  readonly #servers: Uint16Array
  #picked = 0
  /** Flows whose server was there, and was not being restarted, but got their packets no more. */
  lost = 0

  constructor(scheme: Scheme, count: number) {
    this.#scheme = scheme
    this.#rows = Uint32Array.from({ length: count }, (_, flow) => mix(flow, 77) % scheme.rows).sort()
    this.#first = new Uint32Array(scheme.rows + 1)
    for (const row of this.#rows) this.#first[row + 1]!++
    for (let row = 0; row < scheme.rows; row++) this.#first[row + 1]! += this.#first[row]!
    this.#servers = Uint16Array.from(this.#rows, (row) => scheme.ownerOf(row))
  }

  /** Looks for flows that are lost since rows have changed; their clients begin others. */
  check(restarting: number): void {
    for (const row of this.#scheme.changed)
      for (let flow = this.#first[row]!; flow < this.#first[row + 1]!; flow++) {
        const server = this.#servers[flow]!
        if (this.#scheme.reaches(row, server)) continue
        if (server !== restarting) this.lost++
        this.#begin(flow)
      }
    this.#scheme.changed.clear()
  }

  /** All flows of a server end. */
  endOf(server: number): void {
    for (let flow = 0; flow < this.#servers.length; flow++) if (this.#servers[flow] === server) this.#begin(flow)
  }

  /** Some flows end, wherever they are. */
  endSome(count: number): void {
    for (let turn = 0; turn < count; turn++) this.#begin(mix(this.#picked++, 78) % this.#servers.length)
  }

  isBusy(row: number, server: number): boolean {
    for (let flow = this.#first[row]!; flow < this.#first[row + 1]!; flow++)
      if (this.#servers[flow] === server) return true
    return false
  }

  #begin(flow: number): void {
    this.#servers[flow] = this.#scheme.ownerOf(this.#rows[flow]!)
  }
}
