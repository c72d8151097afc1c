import { resolve } from 'node:path'
import * as z from 'zod'
import type { DesiredInterface } from '../entry/interface-config.ts'
import { type At, isObject, readPrefix, refuse, refuseUnknownKeys } from '../entry/schema.ts'
import type { Prefix } from '../net/prefix.ts'
import type { MalformedPolicy, Rule } from '../rules/ast.ts'
import type { Desired, SetSource } from './desired.ts'
import { type RuleConfig, RuleReader } from './rule-config.ts'
import { stableId } from './rule-id.ts'
import { readSynCookies, type SynCookies, type SynCookiesConfig } from './syn-cookies/config.ts'

/** Prefixes in the configuration itself, or in a file of one prefix a line. */
export type SetConfig = readonly string[] | { readonly prefixes: readonly string[] } | { readonly file: string }

/** The `firewall` part of the configuration. */
export interface FirewallConfig {
  /** What happens to packets that cannot be read: `drop` (the default) or `pass`. They are counted by reason either way. */
  readonly malformed?: 'drop' | 'pass'
  /** Named sets of prefixes; rules call them `$name`. */
  readonly sets?: Readonly<Record<string, SetConfig>>
  /** Answers SYNs with cookies, so that a flood of them takes no memory and no time of listeners; off unless it is there. */
  readonly synCookies?: SynCookiesConfig
  /** Tried in order; the first that decides wins, and what none decides passes. */
  readonly rules?: readonly RuleConfig[]
}

const setName = /^[a-z][a-z0-9_-]{0,31}$/i

export interface CheckedFirewall {
  readonly malformed: MalformedPolicy
  readonly sets: ReadonlyMap<string, SetSource>
  readonly rules: readonly Rule[]
  readonly synCookies?: SynCookies
}

/** Reads the parts by hand rather than with nested schemas, so that one mistake hides no other and rules see the names of sets. */
export const firewallSchema = z
  .record(z.string(), z.unknown(), { error: 'an object with malformed, sets, rules and synCookies' })
  .default({})
  .transform((value, context): CheckedFirewall => {
    refuseUnknownKeys(context, value, ['malformed', 'sets', 'rules', 'synCookies'], [])
    const sets = readSets(value.sets, context)
    const synCookies = readSynCookies(value.synCookies, context)
    return {
      malformed: readPolicy(value.malformed, context),
      sets,
      rules: readRules(value.rules, sets, context),
      ...(synCookies === undefined ? {} : { synCookies }),
    }
  })

function readPolicy(value: unknown, context: z.RefinementCtx): MalformedPolicy {
  if (value === undefined || value === 'drop' || value === 'pass') return value ?? 'drop'
  refuse(context, ['malformed'], 'drop or pass')
  return 'drop'
}

/** Completes a checked configuration: file paths count from `folder`. */
export function toDesired(interfaces: readonly DesiredInterface[], firewall: CheckedFirewall, folder: string): Desired {
  const sets = [...firewall.sets].map(([name, source]): [string, SetSource] => [
    name,
    source.kind === 'file' ? { kind: 'file', path: resolve(folder, source.path) } : source,
  ])
  return { ...firewall, interfaces, sets: new Map(sets) }
}

function readSets(value: unknown, context: z.RefinementCtx): Map<string, SetSource> {
  const sets = new Map<string, SetSource>()
  if (value === undefined) return sets
  if (!isObject(value)) {
    refuse(context, ['sets'], 'an object of sets, such as { bogons: { file: "bogons.txt" } }')
    return sets
  }
  for (const [name, set] of Object.entries(value)) {
    if (!setName.test(name)) {
      refuse(context, ['sets', name], 'a name of letters, digits, _ and -, at most 32', {
        key: true,
        found: `"${name}"`,
      })
    }
    // A set that cannot be read still has a name that rules may use.
    sets.set(name, readSet(['sets', name], set, context) ?? { kind: 'inline', prefixes: [] })
  }
  return sets
}

function readSet(at: At, set: unknown, context: z.RefinementCtx): SetSource | undefined {
  if (Array.isArray(set)) return { kind: 'inline', prefixes: readPrefixes(at, set, context) }
  const wanted = '{ file: "path" } or { prefixes: ["192.0.2.0/24", …] }'
  if (typeof set !== 'object' || set === null) return void refuse(context, at, wanted)
  const { file, prefixes } = set as { file?: unknown; prefixes?: unknown }
  refuseUnknownKeys(context, set, ['file', 'prefixes'], at)
  if (file !== undefined && prefixes !== undefined) {
    return void refuse(context, at, 'file or prefixes, not both', { remedy: 'make two sets of it' })
  }
  if (typeof file === 'string' && file !== '') return { kind: 'file', path: file }
  if (file !== undefined) return void refuse(context, [...at, 'file'], 'the path of a file with one prefix a line')
  if (Array.isArray(prefixes)) return { kind: 'inline', prefixes: readPrefixes([...at, 'prefixes'], prefixes, context) }
  return void refuse(context, prefixes === undefined ? at : [...at, 'prefixes'], wanted)
}

function readPrefixes(at: At, list: readonly unknown[], context: z.RefinementCtx): Prefix[] {
  const wanted = 'a prefix or an address such as "192.0.2.0/24" or "2001:db8::1"'
  return list.flatMap((text, index) => readPrefix(text, context, [...at, index], wanted) ?? [])
}

function readRules(value: unknown, sets: ReadonlyMap<string, SetSource>, context: z.RefinementCtx): Rule[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) {
    refuse(context, ['rules'], "a list of rules such as [{ drop: 'udp.srcport == 53' }]")
    return []
  }
  const reader = new RuleReader(context, [...sets.keys()])
  const ids = new Map<string, number>()
  return value.flatMap((item: unknown, index) => {
    const rule = reader.read(item, ['rules', index])
    if (rule === undefined) return []
    const id = rule.id === '' ? stableId(rule, ids) : rule.id
    const first = ids.get(id)
    ids.set(id, first ?? index)
    if (first !== undefined) {
      const wanted = `another id than that of rules[${first}]`
      refuse(context, ['rules', index], wanted, { found: `"${id}"`, remedy: 'give one of them another id' })
    }
    return [{ ...rule, id }]
  })
}
