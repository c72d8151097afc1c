import type { DesiredInterface } from '../entry/interface-config.ts'
import type { Manifest } from './manifest.ts'
import { formatSynCookies, type SynCookies } from './syn-cookies/config.ts'
import type { Change } from './types.ts'

/** As much of a configuration as can be compared with what is in force. */
export interface Outline {
  readonly malformed: 'drop' | 'pass'
  readonly interfaces: readonly DesiredInterface[]
  readonly synCookies?: SynCookies
  /** Configured rules in order. */
  readonly rules: readonly { readonly id: string; readonly text: string }[]
  readonly sets: readonly { readonly name: string; readonly digest: string; readonly prefixes: number }[]
}

/** What an apply would change, in the order: policy, interfaces, sets, rules. */
export function diff(live: Manifest | undefined, next: Outline): Change[] {
  const before: Outline = {
    malformed: live?.malformed ?? 'drop',
    interfaces: live?.interfaces ?? [],
    ...(live?.synCookies === undefined ? {} : { synCookies: live.synCookies }),
    rules: live?.rules.filter((rule) => !rule.dynamic) ?? [],
    sets: live?.sets ?? [],
  }
  return [
    ...policy(live, next),
    ...synCookies(before, next),
    ...compare(
      'interface',
      before.interfaces,
      next.interfaces,
      (one) => one.name,
      (one) => one.mode,
    ),
    ...compare(
      'set',
      before.sets,
      next.sets,
      (one) => one.name,
      (one) => `${one.prefixes} prefixes ${one.digest}`,
    ),
    ...compare(
      'rule',
      before.rules,
      next.rules,
      (one) => one.id,
      (one) => one.text,
    ),
    ...moved(before, next),
  ]
}

function policy(live: Manifest | undefined, next: Outline): Change[] {
  if (live === undefined || live.malformed === next.malformed) return []
  return [{ kind: 'change', what: 'policy', name: 'malformed', before: live.malformed, after: next.malformed }]
}

function synCookies(old: Outline, next: Outline): Change[] {
  const [before, after] = [formatSynCookies(old.synCookies), formatSynCookies(next.synCookies)]
  return before === after ? [] : [{ kind: 'change', what: 'policy', name: 'synCookies', before, after }]
}

function compare<T>(
  what: Change['what'],
  before: readonly T[],
  after: readonly T[],
  nameOf: (one: T) => string,
  textOf: (one: T) => string,
): Change[] {
  const old = new Map(before.map((one) => [nameOf(one), textOf(one)]))
  const names = new Set(after.map(nameOf))
  const gone = before.filter((one) => !names.has(nameOf(one)))
  const changes: Change[] = gone.map((one) => ({ kind: 'remove', what, name: nameOf(one), before: textOf(one) }))
  for (const one of after) {
    const name = nameOf(one)
    const was = old.get(name)
    const text = textOf(one)
    if (was === undefined) changes.push({ kind: 'add', what, name, after: text })
    else if (was !== text) changes.push({ kind: 'change', what, name, before: was, after: text })
  }
  return changes
}

/** Rules that others overtook: all that are in both but outside of the longest run that kept its order. */
function moved(before: Outline, next: Outline): Change[] {
  const place = new Map(before.rules.map((rule, index) => [rule.id, index]))
  const common = next.rules.filter((rule) => place.has(rule.id))
  const kept = longestIncreasing(common.map((rule) => place.get(rule.id)!))
  return common
    .filter((_, index) => !kept.has(index))
    .map((rule) => ({ kind: 'move', what: 'rule', name: rule.id, before: rule.text, after: rule.text }))
}

/** Indices of a longest increasing subsequence of distinct numbers, in O(n log n). */
function longestIncreasing(values: readonly number[]): Set<number> {
  const tails: number[] = []
  const parent: number[] = []
  for (const [index, value] of values.entries()) {
    let low = 0
    let high = tails.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (values[tails[middle]!]! < value) low = middle + 1
      else high = middle
    }
    parent[index] = low === 0 ? -1 : tails[low - 1]!
    tails[low] = index
  }
  const kept = new Set<number>()
  for (let at = tails.at(-1) ?? -1; at >= 0; at = parent[at]!) kept.add(at)
  return kept
}
