import { takeCensus } from './census.ts'
import { quotasOf } from './quotas.ts'
import { Receivers } from './receivers.ts'
import { rowOrder } from './row-order.ts'

/** A row's owners from now on, by number; 0 is nobody. */
export interface Move {
  readonly row: number
  readonly current: number
  readonly previous: number
}

export interface Goal {
  /** Of each backend; one with weight 0, or that is not here, is drained: it gives all its rows away. */
  readonly weights: ReadonlyMap<number, number>
  /** Backends that serve nothing any more, whatever their weight. */
  readonly dead: ReadonlySet<number>
}

export interface MovePlan {
  /** All rows that change, those too that only lose a previous owner who is dead. */
  readonly moves: readonly Move[]
  /** Rows among them that get another owner: what share of the flows is touched. */
  readonly moved: number
  /** Rows that are to have another owner, but have a previous one that is still asked. */
  readonly deferred: number
}

/**
 * What brings a table nearest to a goal with the fewest moves. No move forgets an owner who lives, so a flow's server is always one of
 * the two that a packet is shown to:
 * - A row moves if its previous slot is free, and has the owner that it leaves there then.
 * - A row whose previous owner is to have more rows again may change places with it at once: both stay.
 * - A row of a dead backend moves at once. If its previous owner is to have more rows it gets it, and the slot is free, as flows of one
 *   owner are all that is left; else it stays the previous owner, and another gets what is new.
 *
 * The same input gives the same moves on every machine.
 *
 * @param rows {current, previous} of each; they are not changed.
 */
export function planMoves(rows: Uint16Array, goal: Goal): MovePlan {
  return new Planner(rows, goal).plan()
}

/** Carries out what was planned. */
export function applyMoves(rows: Uint16Array, moves: readonly Move[]): void {
  for (const { row, current, previous } of moves) {
    rows[row * 2] = current
    rows[row * 2 + 1] = previous
  }
}

class Planner {
  readonly #rows: Uint16Array
  readonly #dead: Uint8Array
  /** Rows that each living backend is to get, negative where it is to give some. */
  readonly #wants: Int32Array
  readonly #planned: Uint8Array
  readonly #moves: Move[] = []
  #moved = 0

  constructor(rows: Uint16Array, { weights, dead }: Goal) {
    const size = rows.length / 2
    const { owned } = takeCensus(rows, [...weights.keys(), ...dead])
    const quotas = quotasOf(size, new Map([...weights].filter(([backend]) => !dead.has(backend))), owned)
    this.#rows = rows
    this.#planned = new Uint8Array(size)
    this.#dead = new Uint8Array(owned.length)
    for (const backend of dead) this.#dead[backend] = 1
    this.#wants = new Int32Array(owned.length)
    // With nobody to give them to, rows stay where they are.
    if (quotas.size === 0) return
    for (const [backend, count] of owned.entries())
      if (backend !== 0 && this.#dead[backend] === 0) this.#wants[backend] = (quotas.get(backend) ?? 0) - count
  }

  plan(): MovePlan {
    const order = rowOrder(this.#planned.length)
    for (const row of order) this.#giveBack(row)
    const receivers = new Receivers(this.#wants)
    for (const row of order) if (this.#isOrphan(row)) this.#adopt(row, receivers)
    for (const row of order) this.#give(row, receivers)
    const deferred = this.#wants.reduce((sum, want) => sum + Math.max(0, -want), 0)
    return { moves: this.#moves, moved: this.#moved, deferred }
  }

  /** Lets the previous owner have a row again. */
  #giveBack(row: number): void {
    const previous = this.#livingPrevious(row)
    if (previous === 0 || this.#wants[previous]! <= 0) return
    const current = this.#rows[row * 2]!
    const isOrphan = this.#isOrphan(row)
    if (!isOrphan && this.#wants[current]! >= 0) return
    this.#wants[previous]!--
    if (!isOrphan) this.#wants[current]!++
    this.#move(row, previous, isOrphan ? 0 : current)
  }

  #adopt(row: number, receivers: Receivers): void {
    if (this.#planned[row] === 1) return
    const previous = this.#livingPrevious(row)
    const receiver = receivers.next()
    // With nobody to have it, the previous owner goes on with his flows.
    if (receiver === undefined) this.#move(row, previous, 0)
    else this.#move(row, receiver, previous)
  }

  #give(row: number, receivers: Receivers): void {
    if (this.#planned[row] === 1) return
    const current = this.#rows[row * 2]!
    const previous = this.#livingPrevious(row)
    if (this.#wants[current]! >= 0 || previous !== 0) return this.#move(row, current, previous)
    this.#wants[current]!++
    this.#move(row, receivers.next()!, current)
  }

  #move(row: number, current: number, previous: number): void {
    const was = this.#rows[row * 2]!
    this.#planned[row] = 1
    if (was === current && this.#rows[row * 2 + 1] === previous) return
    this.#moves.push({ row, current, previous })
    if (was !== current) this.#moved++
  }

  #isOrphan(row: number): boolean {
    const current = this.#rows[row * 2]!
    return current === 0 || this.#dead[current] === 1
  }

  /** 0 if nobody has to be asked. */
  #livingPrevious(row: number): number {
    const previous = this.#rows[row * 2 + 1]!
    return this.#dead[previous] === 1 || previous === this.#rows[row * 2] ? 0 : previous
  }
}
