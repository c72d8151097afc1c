import { SeawallError } from '../entry/errors.ts'
import { formatPrefix } from '../net/prefix.ts'
import { formatMatch, type Match } from './binding.ts'
import { isAny, isSingle } from './ports.ts'

/** Two bindings of which none is more specific; `same` if they are for just the same. */
export interface Conflict<B> {
  readonly first: B
  readonly second: B
  readonly same: boolean
}

/** Finds bindings for the same, and ranges of one prefix that overlap, in the order in which the second ones come. */
export function findConflicts<B extends Match>(bindings: readonly B[]): Conflict<B>[] {
  const places = new Map(bindings.map((binding, place) => [binding, place]))
  const groups = new Map<string, B[]>()
  for (const binding of bindings) {
    const key = `${binding.protocol} ${formatPrefix(binding.prefix)} ${kindOf(binding)}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [binding])
    else group.push(binding)
  }
  return [...groups.values()]
    .flatMap((group) => conflictsIn(group, places))
    .sort((a, b) => places.get(a.second)! - places.get(b.second)!)
}

/** @throws SeawallError SEAWALL_INPUT */
export function refuseConflicts(bindings: readonly Match[]): void {
  const [conflict] = findConflicts(bindings)
  if (conflict !== undefined) throw new SeawallError('SEAWALL_INPUT', describeConflict(conflict))
}

export function describeConflict({ first, second, same }: Conflict<Match>): string {
  const found = same ? 'it is bound twice' : `its ports overlap with those of "${formatMatch(first)}"`
  return `Cannot bind "${formatMatch(second)}": ${found}, wanted one binding for each port of a prefix`
}

/** Ranges are compared with each other, all else with what is the same. */
function kindOf({ ports }: Match): string {
  if (isAny(ports)) return 'any'
  return isSingle(ports) ? `${ports.from}` : 'range'
}

function conflictsIn<B extends Match>(group: readonly B[], places: ReadonlyMap<B, number>): Conflict<B>[] {
  const conflicts: Conflict<B>[] = []
  const sorted = group.toSorted((a, b) => a.ports.from - b.ports.from || places.get(a)! - places.get(b)!)
  let widest = sorted[0]!
  for (const binding of sorted.slice(1)) {
    if (binding.ports.from <= widest.ports.to) conflicts.push(conflictOf(widest, binding, places))
    if (binding.ports.to > widest.ports.to) widest = binding
  }
  return conflicts
}

function conflictOf<B extends Match>(a: B, b: B, places: ReadonlyMap<B, number>): Conflict<B> {
  const [first, second] = places.get(a)! < places.get(b)! ? [a, b] : [b, a]
  return { first, second, same: a.ports.from === b.ports.from && a.ports.to === b.ports.to }
}
