import { type ActiveBinding, bindingKey } from './desired.ts'
import type { CountedBinding, SetManifest } from './manifest.ts'

/** Fewest places of the map `binding_counts`. */
const SMALLEST = 1_024

/** Bindings with their counters, and what is to be done before these count. */
export interface Counters {
  readonly bindings: readonly CountedBinding[]
  /** Places that bindings have or had. */
  readonly used: number
  /** Places that were another binding's. */
  readonly stale: readonly number[]
  /** Elements of the map: a power of two. */
  readonly capacity: number
}

/** Gives each binding a place to count in: its own of before, or one that no binding of the set before has. */
export function assignCounters(
  bindings: readonly ActiveBinding[],
  before: Pick<SetManifest, 'bindings' | 'counters'> | undefined,
): Counters {
  const known = new Map(before?.bindings.map((binding) => [bindingKey(binding), binding.counter]))
  const taken = new Set(known.values())
  const stale: number[] = []
  const ever = before?.counters ?? 0
  let next = 0
  const counted = bindings.map((binding) => {
    const own = known.get(bindingKey(binding))
    if (own !== undefined) return { ...binding, counter: own }
    while (taken.has(next)) next++
    if (next < ever) stale.push(next)
    return { ...binding, counter: next++ }
  })
  const used = Math.max(ever, next)
  return { bindings: counted, used, stale, capacity: Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(used + 1))) }
}
