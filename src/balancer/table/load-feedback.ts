import { type Census, takeCensus } from './census.ts'
import type { Goal } from './plan-moves.ts'
import { quotasOf } from './quotas.ts'

export interface FeedbackLimits {
  /** Rows that load may move in an interval. */
  readonly maxMoves: number
  /** Pressures that differ from the mean by no more than this part of it are left as they are. */
  readonly tolerance: number
  /** A share is at most so many times what the weight says, and at least the same part of it. */
  readonly range: number
}

/** Power of how a share follows the pressure: less than 1, as pressure is measured with noise and follows late. */
const GAIN = 0.5

/** Of rows that a backend has or had: if more are in transition, its flows are not yet where its rows are, and its load says little. */
const UNSETTLED = 0.1

/** How much the last measurement counts beside those before it. */
const NEWEST = 0.25

/** A backend whose load is known, and what is to become of its share. */
interface Part {
  readonly backend: number
  readonly quota: number
  /** Rows whose flows are there: one in transition is half of each of its owners. */
  readonly effective: number
  /** That of {@link effective} rows by what a row has cost for some time: the rows move, but not what they cost. */
  readonly pressure: number
  /** Rows by its weight alone. */
  readonly nominal: number
}

/** What the weights of backends are multiplied with, 1 of those that are not there. */
export type Factors = ReadonlyMap<number, number>

/** What is to be planned for instead of what the configuration says. */
export function feed({ weights, dead }: Goal, factors: Factors): Goal {
  return { weights: new Map([...weights].map(([key, weight]) => [key, weight * (factors.get(key) ?? 1)])), dead }
}

/**
 * Lets shares follow load: backends that are pressed harder than others get fewer rows than their weights say. It changes only what is
 * wanted of the table, by a few rows an interval, and waits while the table lags behind: so it does not run after load that is about to
 * go by itself.
 */
export class LoadFeedback {
  readonly #limits: FeedbackLimits
  /** Pressure of a row by backend, smoothed. */
  readonly #costs = new Map<number, number>()

  constructor({ maxMoves, tolerance = 0.1, range = 4 }: Partial<FeedbackLimits> & Pick<FeedbackLimits, 'maxMoves'>) {
    this.#limits = { maxMoves, tolerance, range }
  }

  /**
   * To be called once an interval, with loads measured since the last.
   *
   * @param goal without factors.
   * @param pressures as {@link pressuresOf} makes them; a backend that is not there keeps its share.
   * @returns the factors from now on: the same map if they stay as they are.
   */
  observe(rows: Uint16Array, goal: Goal, factors: Factors, pressures: ReadonlyMap<number, number>): Factors {
    const size = rows.length / 2
    const weights = weightsOf(feed(goal, factors))
    const census = takeCensus(rows, weights.keys())
    const quotas = quotasOf(size, weights, census.owned)
    const late = [...quotas].reduce((sum, [backend, quota]) => sum + Math.max(0, quota - census.owned[backend]!), 0)
    const parts = partsOf({ size, goal, quotas, census, pressures }).map((part) => this.#smooth(part))
    const shift = shiftOf(parts, this.#limits, this.#limits.maxMoves - late)
    if (shift.size === 0) return factors
    const shifted = new Map([...quotas].map(([backend, quota]) => [backend, quota + (shift.get(backend) ?? 0)]))
    return new Map([...factors, ...factorsOf(shifted, weightsOf(goal), weights)])
  }

  #smooth(part: Part): Part {
    const { backend, effective, pressure } = part
    const before = this.#costs.get(backend) ?? pressure / effective
    const cost = before + NEWEST * (pressure / effective - before)
    this.#costs.set(backend, cost)
    return { ...part, pressure: cost * effective }
  }
}

/** Factors that make quotas out of plain weights; `fed` are those that were in force. Backends without a row keep theirs. */
function factorsOf(
  quotas: ReadonlyMap<number, number>,
  weights: ReadonlyMap<number, number>,
  fed: ReadonlyMap<number, number>,
): [number, number][] {
  const having = [...quotas].filter(([, quota]) => quota > 0)
  const rows = having.reduce((sum, [, quota]) => sum + quota, 0)
  const total = having.reduce((sum, [backend]) => sum + fed.get(backend)!, 0)
  return having.map(([backend, quota]) => [backend, (quota * total) / (rows * weights.get(backend)!)])
}

/** Of those that may have rows. */
function weightsOf({ weights, dead }: Goal): Map<number, number> {
  return new Map([...weights].filter(([backend, weight]) => weight > 0 && !dead.has(backend)))
}

interface Observation {
  readonly size: number
  readonly goal: Goal
  readonly quotas: ReadonlyMap<number, number>
  readonly census: Census
  readonly pressures: ReadonlyMap<number, number>
}

function partsOf({ size, goal, quotas, census, pressures }: Observation): Part[] {
  const weights = weightsOf(goal)
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0)
  return [...quotas].flatMap(([backend, quota]) => {
    const pressure = pressures.get(backend)
    const [owned, arriving, leaving] = [census.owned[backend]!, census.arriving[backend]!, census.leaving[backend]!]
    const isSettled = arriving + leaving <= UNSETTLED * (owned + leaving)
    if (pressure === undefined || quota === 0 || owned === 0 || !isSettled) return []
    const effective = owned + (leaving - arriving) / 2
    return [{ backend, quota, effective, pressure, nominal: (size * weights.get(backend)!) / total }]
  })
}

/** By how many rows each quota is to change; empty if they are good, or may not move now. */
function shiftOf(parts: readonly Part[], { tolerance, range }: FeedbackLimits, limit: number): Map<number, number> {
  const known = parts.reduce((sum, { effective }) => sum + effective, 0)
  const mean = parts.reduce((sum, { pressure, effective }) => sum + pressure * effective, 0) / known
  if (parts.every(({ pressure }) => Math.abs(pressure - mean) <= tolerance * mean)) return new Map()
  const wanted = parts.map(({ effective, pressure }) => effective * (mean / pressure) ** GAIN)
  const scale = parts.reduce((sum, { quota }) => sum + quota, 0) / wanted.reduce((sum, rows) => sum + rows, 0)
  const changes = parts.map(({ backend, quota, nominal }, index) => {
    const rows = Math.min(nominal * range, Math.max(1, nominal / range, wanted[index]! * scale))
    return [backend, rows - quota] as const
  })
  const more = changes.filter(([, change]) => change > 0)
  const fewer = changes.flatMap(([backend, change]) => (change < 0 ? [[backend, -change] as const] : []))
  const rows = Math.floor(Math.min(sumOf(more), sumOf(fewer), limit))
  if (rows <= 0) return new Map()
  return new Map([...apportion(rows, more), ...apportion(rows, fewer).map(([key, part]) => [key, -part] as const)])
}

const sumOf = (parts: readonly (readonly [number, number])[]): number => parts.reduce((sum, [, part]) => sum + part, 0)

/** Divides rows in proportion to parts, by largest remainders. */
function apportion(rows: number, parts: readonly (readonly [number, number])[]): [number, number][] {
  const total = sumOf(parts)
  const exact = parts.map(([backend, part]) => ({ backend, share: (rows * part) / total }))
  const left = rows - exact.reduce((sum, { share }) => sum + Math.floor(share), 0)
  const up = new Set(
    [...exact].sort((a, b) => (b.share % 1) - (a.share % 1) || a.backend - b.backend).slice(0, Math.round(left)),
  )
  return exact.map((one) => [one.backend, Math.floor(one.share) + (up.has(one) ? 1 : 0)])
}
