import type { Load } from './fleet/messages.ts'
import type { LiveBalancer } from './live.ts'
import type { BalancerState } from './manifest.ts'
import { namesOf } from './numbering.ts'
import type { Pool } from './pools.ts'
import { type Factors, LoadFeedback, pressuresOf } from './table/index.ts'
import { factorsOf, goalOf, requestOf } from './tables.ts'

/** Lets the shares of all tables follow what machines report of their load, while this machine decides about tables. */
export class LoadFollower {
  /** By the backends of a pool. */
  readonly #feedbacks = new Map<string, LoadFeedback>()
  #last = Number.NEGATIVE_INFINITY

  /**
   * What load multiplies weights with from now on; as before unless an interval is over.
   *
   * @param loads by name.
   * @param now milliseconds, of a clock that does not go back.
   */
  follow(
    live: Pick<LiveBalancer, 'manifest' | 'desired' | 'rows'>,
    state: BalancerState,
    loads: ReadonlyMap<string, Load>,
    now: number,
  ): BalancerState['factors'] {
    const { followLoad } = live.desired
    if (followLoad === undefined) return []
    if (now - this.#last < followLoad.everyMs) return state.factors
    this.#last = now
    return live.manifest.pools.map((pool, index) => {
      const request = requestOf(live, state, index)
      const goal = goalOf(request)
      const own = pool.backends.flatMap((name) => {
        const load = loads.get(name)
        return load === undefined ? [] : [[live.manifest.backends[name]!, load] as const]
      })
      const pressures = pressuresOf(new Map(own), goal.weights)
      const feedback = this.#feedbackOf(pool, followLoad.buckets)
      return toNames(live, feedback.observe(live.rows(index), goal, factorsOf(request), pressures))
    })
  }

  #feedbackOf({ backends }: Pool, maxMoves: number): LoadFeedback {
    const key = backends.join(' ')
    const known = this.#feedbacks.get(key)
    if (known !== undefined) return known
    const fresh = new LoadFeedback({ maxMoves })
    this.#feedbacks.set(key, fresh)
    return fresh
  }
}

function toNames({ manifest }: Pick<LiveBalancer, 'manifest'>, factors: Factors): Record<string, number> {
  const names = namesOf(manifest.backends)
  return Object.fromEntries([...factors].map(([number, factor]) => [names.get(number)!, factor]))
}
