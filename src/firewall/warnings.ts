import type { Rule } from '../rules/ast.ts'
import type { InterfaceStatus } from './types.ts'
import { unreachableRules } from './unreachable.ts'
import { usedSets } from './used-sets.ts'

export interface SetSize {
  readonly name: string
  readonly prefixes: number
  readonly file?: string
}

/** What is allowed, but hardly meant, in rules and sets. */
export function ruleWarnings(rules: readonly Rule[], sets: readonly SetSize[]): string[] {
  const used = new Set(rules.flatMap((rule) => usedSets(rule.when)))
  return [
    ...unreachableRules(rules).map(({ rule, after }) => {
      return `rule "${rule}" can never match: ${quoted(after)} before it decides all that it matches`
    }),
    ...sets.flatMap(({ name, prefixes, file }) => {
      return prefixes > 0 ? [] : [`set "${name}"${file === undefined ? '' : ` (${file})`} is empty: it matches nothing`]
    }),
    ...sets.flatMap(({ name }) => (used.has(name) ? [] : [`set "${name}" is used by no rule`])),
  ]
}

/** What an operator should know of the interfaces. */
export function interfaceWarnings(interfaces: readonly InterfaceStatus[]): string[] {
  return interfaces.flatMap(({ name, ifindex, up, attached, note }) => {
    if (ifindex === 0) return [`interface "${name}" is not there: it is attached when it comes back`]
    const down = `interface "${name}" is down: nothing comes by it (ip link set ${name} up)`
    return [...(up ? [] : [down]), ...(attached && note !== undefined ? [`interface "${name}": ${note}`] : [])]
  })
}

function quoted(ids: readonly string[]): string {
  return ids.map((id) => `"${id}"`).join(' or ')
}
