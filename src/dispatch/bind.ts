import { SeawallError } from '../entry/errors.ts'
import { type Binding, formatMatch } from './binding.ts'
import { refuseConflicts } from './conflicts.ts'
import type { ActiveBinding } from './desired.ts'
import { isSamePolicy, type Policy } from './policy.ts'

/**
 * The bindings there are, and some more, made by a command. One that is there with another label goes to the new one.
 *
 * @throws SeawallError SEAWALL_INPUT if bindings are in conflict, or the configuration has one of them for another label
 */
export function withBindings(before: readonly ActiveBinding[], added: readonly Binding[]): ActiveBinding[] {
  refuseConflicts(added)
  const wanted = new Map(added.map((binding) => [formatMatch(binding), binding]))
  const kept = before.filter((binding) => {
    const other = wanted.get(formatMatch(binding))
    if (other === undefined) return true
    if (binding.dynamic) return false
    if (!isAlike(binding, other)) throw configured(binding)
    wanted.delete(formatMatch(binding))
    return true
  })
  const bindings = [...kept, ...[...wanted.values()].map((binding) => ({ ...binding, dynamic: true }))]
  refuseConflicts(bindings)
  return bindings
}

/**
 * Without some that a command made.
 *
 * @throws SeawallError SEAWALL_INPUT if one is not there, has another label or is the configuration's
 */
export function withoutBindings(
  before: readonly ActiveBinding[],
  removed: readonly Omit<Binding, keyof Policy>[],
): ActiveBinding[] {
  const known = new Map(before.map((binding) => [formatMatch(binding), binding]))
  for (const binding of removed) {
    const match = formatMatch(binding)
    const found = known.get(match)
    if (found === undefined) throw input(`Cannot unbind "${match}": there is no such binding (see seawall bindings)`)
    if (found.label !== binding.label)
      throw input(`Cannot unbind "${match}" of "${binding.label}": it is bound to "${found.label}" (name that label)`)
    if (!found.dynamic) throw configured(found)
    known.delete(match)
  }
  return [...known.values()]
}

/**
 * Bindings of a configuration in the place of those of another; what commands made stays, unless the configuration has just the same.
 *
 * @throws SeawallError SEAWALL_INPUT if they are in conflict
 */
export function withConfigured(before: readonly ActiveBinding[], configured: readonly Binding[]): ActiveBinding[] {
  const matches = new Map(configured.map((binding) => [formatMatch(binding), binding]))
  const dynamic = before.filter((binding) => {
    const other = matches.get(formatMatch(binding))
    return binding.dynamic && other?.label !== binding.label
  })
  const bindings = [...configured.map((binding) => ({ ...binding, dynamic: false })), ...dynamic]
  refuseConflicts(bindings)
  return bindings
}

/** Whether two bindings for the same have the same label and policy. */
export const isAlike = (a: Binding, b: Binding): boolean => a.label === b.label && isSamePolicy(a, b)

/** Bindings of `a` that `b` does not have. */
export function difference(a: readonly ActiveBinding[], b: readonly ActiveBinding[]): ActiveBinding[] {
  const known = new Map(b.map((binding) => [formatMatch(binding), binding]))
  return a.filter((binding) => {
    const other = known.get(formatMatch(binding))
    return other === undefined || !isAlike(binding, other) || other.dynamic !== binding.dynamic
  })
}

function configured(binding: Binding): SeawallError {
  return input(
    `Cannot change "${formatMatch(binding)}": the configuration binds it to "${binding.label}" (change it there, then seawall apply)`,
  )
}

const input = (message: string): SeawallError => new SeawallError('SEAWALL_INPUT', message)
