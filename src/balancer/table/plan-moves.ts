import { quotasOf } from './quotas.ts'

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
  readonly moves: readonly Move[]
  /** Rows that are to have another owner, but have a previous one that is still asked. */
  readonly deferred: number
}

/**
 * What brings a table nearest to a goal with the fewest moves. A row moves only if its previous owner is forgotten, and has the one that
 * it leaves as its previous owner then: so a flow's server is always one of the two that a packet is shown to. Rows of a dead backend
 * move at once, and keep the previous owner they may have, since that one may still have flows. The same input gives the same moves on
 * every machine.
 *
 * @param rows {current, previous} of each, a power of two of them; they are not changed.
 */
export function planMoves(rows: Uint16Array, { weights, dead }: Goal): MovePlan {
  const living = new Map([...weights].filter(([backend]) => !dead.has(backend)))
  const table = new Planner(rows, living, dead)
  return table.plan()
}

/** Carries out what was planned. */
export function applyMoves(rows: Uint16Array, moves: readonly Move[]): void {
  for (const { row, current, previous } of moves) {
    rows[row * 2] = current
    rows[row * 2 + 1] = previous
  }
}

/** An odd number, so that its multiples visit every row of a power of two, in an order that looks random. */
const STRIDE = 0x9e3779b1

class Planner {
  readonly #rows: Uint16Array
  readonly #size: number
  readonly #dead: ReadonlySet<number>
  readonly #owned: ReadonlyMap<number, number>
  readonly #quotas: ReadonlyMap<number, number>
  readonly #moves: Move[] = []

  constructor(rows: Uint16Array, living: ReadonlyMap<number, number>, dead: ReadonlySet<number>) {
    this.#rows = rows
    this.#size = rows.length / 2
    this.#dead = dead
    this.#owned = countCurrent(rows)
    this.#quotas = quotasOf(this.#size, living, this.#owned)
  }

  plan(): MovePlan {
    const receivers = this.#receivers()
    const surplus = this.#surplus()
    for (const row of this.#order()) if (this.#isOrphan(row)) this.#adopt(row, receivers)
    for (const row of this.#order()) this.#give(row, surplus, receivers)
    const deferred = [...surplus.values()].reduce((sum, rows) => sum + rows, 0)
    return { moves: this.#moves, deferred: this.#quotas.size === 0 ? 0 : deferred }
  }

  *#order(): Generator<number> {
    for (let step = 0; step < this.#size; step++) yield Math.imul(step, STRIDE) & (this.#size - 1)
  }

  /** Rows that each living backend owns beyond its quota. */
  #surplus(): Map<number, number> {
    const surplus = new Map<number, number>()
    for (const [backend, owned] of this.#owned) {
      const more = owned - (this.#quotas.get(backend) ?? 0)
      if (backend !== 0 && !this.#dead.has(backend) && more > 0) surplus.set(backend, more)
    }
    return surplus
  }

  #receivers(): Receivers {
    const wants = [...this.#quotas].map(
      ([backend, quota]) => [backend, quota - (this.#owned.get(backend) ?? 0)] as const,
    )
    return new Receivers(wants.filter(([, rows]) => rows > 0))
  }

  #isOrphan(row: number): boolean {
    const current = this.#rows[row * 2]!
    return current === 0 || this.#dead.has(current)
  }

  #adopt(row: number, receivers: Receivers): void {
    const previous = this.#livingPrevious(row)
    const current = receivers.next() ?? previous
    if (current !== this.#rows[row * 2] || previous !== this.#rows[row * 2 + 1])
      this.#moves.push({ row, current, previous: previous === current ? 0 : previous })
  }

  #give(row: number, surplus: Map<number, number>, receivers: Receivers): void {
    const current = this.#rows[row * 2]!
    if (this.#isOrphan(row)) return
    const previous = this.#livingPrevious(row)
    const more = surplus.get(current) ?? 0
    const receiver = more > 0 && previous === 0 ? receivers.next() : undefined
    if (receiver !== undefined) {
      surplus.set(current, more - 1)
      this.#moves.push({ row, current: receiver, previous: current })
    } else if (previous !== this.#rows[row * 2 + 1]) this.#moves.push({ row, current, previous })
  }

  #livingPrevious(row: number): number {
    const previous = this.#rows[row * 2 + 1]!
    return this.#dead.has(previous) ? 0 : previous
  }
}

/** Backends that are to get rows, in turn, as many as each wants. */
class Receivers {
  readonly #wants: { readonly backend: number; rows: number }[]
  #turn = 0

  constructor(wants: readonly (readonly [backend: number, rows: number])[]) {
    this.#wants = wants.map(([backend, rows]) => ({ backend, rows }))
  }

  /** Undefined when all have what they want. */
  next(): number | undefined {
    if (this.#wants.length === 0) return undefined
    this.#turn %= this.#wants.length
    const receiver = this.#wants[this.#turn]!
    receiver.rows--
    if (receiver.rows === 0) this.#wants.splice(this.#turn, 1)
    else this.#turn++
    return receiver.backend
  }
}

function countCurrent(rows: Uint16Array): Map<number, number> {
  const owned = new Map<number, number>()
  for (let at = 0; at < rows.length; at += 2) owned.set(rows[at]!, (owned.get(rows[at]!) ?? 0) + 1)
  return owned
}
