/** A fleet of servers of different strength, simulated: how busy each is, by the flows that its rows have brought it. */
import { type Factors, feed, LoadFeedback } from '../../src/balancer/table/load-feedback.ts'
import { applyMoves, type Goal, type Move, planMoves } from '../../src/balancer/table/plan-moves.ts'
import { pressuresOf } from '../../src/balancer/table/pressure.ts'

export interface FleetOptions {
  /** What each server can do, in proportion to the others. */
  readonly strengths: readonly number[]
  readonly rows: number
  /** Intervals that a flow lasts, on average. */
  readonly lifetime: number
  /** Largest error of a measurement, as a part of it. */
  readonly noise: number
  readonly maxMoves: number
}

/** Use of the fleet's processors, all together. */
const USE = 0.6

export class LoadedFleet {
  readonly rows: Uint16Array
  readonly #feedback: LoadFeedback
  #factors: Factors = new Map()
  readonly goal: Goal
  readonly #options: FleetOptions
  /** Flows of each row at its current and at its previous owner; new ones and old ones make 1 if it stays where it is. */
  readonly #current: Float64Array
  readonly #previous: Float64Array
  #seed = 1

  constructor(options: FleetOptions) {
    this.#options = options
    this.rows = new Uint16Array(options.rows * 2)
    this.#current = new Float64Array(options.rows).fill(1)
    this.#previous = new Float64Array(options.rows)
    this.#feedback = new LoadFeedback({ maxMoves: options.maxMoves })
    this.goal = { weights: new Map(options.strengths.map((_, index) => [index + 1, 1])), dead: new Set() }
    applyMoves(this.rows, planMoves(this.rows, this.goal).moves)
  }

  /** An interval: flows come and go, load is measured, rows move. Returns how many. */
  step(): number {
    this.#age()
    const loads = new Map(this.uses().map((use, index) => [index + 1, { cpu: Math.min(1, use * this.#error()) }]))
    const pressures = pressuresOf(loads, this.goal.weights)
    this.#factors = this.#feedback.observe(this.rows, this.goal, this.#factors, pressures)
    const { moves, moved } = planMoves(this.rows, feed(this.goal, this.#factors))
    for (const move of moves) this.#moveFlows(move)
    applyMoves(this.rows, moves)
    return moved
  }

  /** Share of its processors that each server has in use. */
  uses(): number[] {
    const { strengths, rows } = this.#options
    const flows = new Float64Array(strengths.length + 1)
    for (let row = 0; row < rows; row++) {
      flows[this.rows[row * 2]!]! += this.#current[row]!
      flows[this.rows[row * 2 + 1]!]! += this.#previous[row]!
    }
    const mean = strengths.reduce((sum, strength) => sum + strength, 0) / rows
    return strengths.map((strength, index) => (USE * mean * flows[index + 1]!) / strength)
  }

  /** Rows that each server owns. */
  shares(): number[] {
    const shares = this.#options.strengths.map(() => 0)
    for (let at = 0; at < this.rows.length; at += 2) shares[this.rows[at]! - 1]!++
    return shares
  }

  #age(): void {
    const ends = 1 / this.#options.lifetime
    for (let row = 0; row < this.#options.rows; row++) {
      this.#current[row] = this.#current[row]! * (1 - ends) + ends
      this.#previous[row] = this.#previous[row]! * (1 - ends)
      // The last flow of some dozens has ended: the slot is free.
      if (this.#previous[row]! < 0.02) this.rows[row * 2 + 1] = this.#previous[row] = 0
    }
  }

  #moveFlows({ row, current }: Move): void {
    if (current === this.rows[row * 2]) return
    const [stays, returns] = [this.#current[row]!, this.#previous[row]!]
    this.#current[row] = current === this.rows[row * 2 + 1] ? returns : 0
    this.#previous[row] = stays
  }

  /** 1, more or less; the same in every run. */
  #error(): number {
    this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) | 0
    return 1 + this.#options.noise * (((this.#seed >>> 8) & 0xffff) / 0x8000 - 1)
  }
}
