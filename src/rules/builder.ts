/**
 * Rules in TypeScript, typed per field: `drop(field.udp.dstport.eq(53).and(field.ip.src.in(set('bogons'))), { id: 'dns' })`
 * is the same tree as `dns: drop if udp.dstport == 53 and ip.src in $bogons`.
 */
import type { Action, LimitKey, LimitPort, Rule } from './ast.ts'
import { checkAction } from './check-rule.ts'
import { Condition } from './condition.ts'
import { AddressField, MacField, NameField, NumberField, type Over, PayloadField } from './field-builder.ts'
import { type FieldName, fields } from './fields.ts'
import { eitherOf, type PairName, pairs } from './make.ts'
import type { NamedValue } from './names.ts'
import { formatRuleBody } from './print.ts'
import { defaultBurst, derivedId } from './rule-defaults.ts'
import { parseLimitKey, parseRate } from './rule-text.ts'

export { range, set } from './builder-values.ts'
export { pcap } from './classic/pcap.ts'
export { all, always, any, Condition, never, not } from './condition.ts'
export { connections } from './connections/index.ts'
export { p0f } from './signatures/p0f.ts'

type Kind<Name extends FieldName> = (typeof fields)[Name]['type']['kind']

/** The operators of a field. */
type FieldOf<Name extends FieldName> = {
  bool: Condition
  number: NumberField<NamedValue<Name>>
  address: AddressField
  mac: MacField
  bytes: PayloadField
  name: NameField
}[Kind<Name>]

type AnyName = FieldName | PairName

type Head<Name extends string> = Name extends `${infer First}.${string}` ? First : Name
/** What may follow `Path.`. */
type Below<Path extends string, Name extends string = AnyName> = Name extends `${Path}.${infer Rest}` ? Rest : never
type Leaf<Path extends string> = Path extends FieldName
  ? FieldOf<Path>
  : Path extends PairName
    ? FieldOf<(typeof pairs)[Path][0]>
    : unknown
type Node<Path extends string> = Leaf<Path> & { readonly [Part in Head<Below<Path>>]: Node<`${Path}.${Part}`> }

/** Every field under its name: `field.tcp.flags.syn`, `field.ip.src`; pairs too: `field.udp.port`. */
export type FieldTree = { readonly [Part in Head<AnyName>]: Node<Part> }

const makers = {
  number: (over: Over) => new NumberField(over),
  address: (over: Over) => new AddressField(over),
  mac: (over: Over) => new MacField(over),
  bytes: (over: Over) => new PayloadField(over),
  name: (over: Over) => new NameField(over),
}

function leaf(path: string): object {
  if (Object.hasOwn(pairs, path)) {
    const pair = path as PairName
    return makeField(pairs[pair][0], (test) => eitherOf(pair, test))
  }
  if (!Object.hasOwn(fields, path)) return {}
  const name = path as FieldName
  return makeField(name, (test) => test(name))
}

function makeField(name: FieldName, over: Over): object {
  const { kind } = fields[name].type
  return kind === 'bool' ? new Condition({ kind: 'flag', field: name }) : makers[kind](over)
}

function branch(path: string, names: readonly string[]): object {
  const below = names.filter((name) => name.startsWith(`${path}.`)).map((name) => name.slice(path.length + 1))
  const parts = new Set(below.map((rest) => rest.split('.', 1)[0]!))
  return Object.assign(leaf(path), ...[...parts].map((part) => ({ [part]: branch(`${path}.${part}`, names) })))
}

function tree(): FieldTree {
  const names = [...Object.keys(fields), ...Object.keys(pairs)]
  const roots = new Set(names.map((name) => name.split('.', 1)[0]!))
  return Object.fromEntries([...roots].map((root) => [root, branch(root, names)])) as FieldTree
}

/** All fields; see {@link FieldTree}. */
export const field: FieldTree = tree()

export interface RuleOptions {
  /** Stable name of the rule; by default one derived from what the rule says. */
  readonly id?: string
}

/** Drops matching packets. */
export const drop = (when: Condition, options: RuleOptions = {}): Rule => rule({ kind: 'drop' }, when, options)

/** Lets matching packets through, whatever later rules say. */
export const pass = (when: Condition, options: RuleOptions = {}): Rule => rule({ kind: 'pass' }, when, options)

/** Only counts matching packets. */
export const count = (when: Condition, options: RuleOptions = {}): Rule => rule({ kind: 'count' }, when, options)

export interface LimitOptions extends RuleOptions {
  /** Packets a second, or a text such as `10k/s` or `5/m`. */
  readonly rate: number | string
  /** Packets that may come at once; by default those of a second, one at least. */
  readonly burst?: number
  /** What is counted apart, such as `ip.src/24, ip.dst`; by default the rule as a whole. */
  readonly per?: LimitKey | 'rule' | `ip.src${string}` | `ip.dst${string}` | `${LimitPort}${string}`
}

/** Drops matching packets that are over the limit. */
export function limit(when: Condition, options: LimitOptions): Rule {
  const rate = typeof options.rate === 'string' ? parseRate(options.rate) : options.rate
  const per = typeof options.per === 'string' ? parseLimitKey(options.per) : (options.per ?? { kind: 'rule' })
  return rule({ kind: 'limit', rate, burst: options.burst ?? defaultBurst(rate), per }, when, options)
}

export interface SampleOptions extends RuleOptions {
  /** One of so many matching packets is copied to user space. */
  readonly every: number
}

/** Copies some of the matching packets to user space. */
export const sample = (when: Condition, options: SampleOptions): Rule =>
  rule({ kind: 'sample', every: options.every }, when, options)

function rule(action: Action, { expr: when }: Condition, { id }: RuleOptions): Rule {
  checkAction(action)
  return { id: id ?? derivedId(action.kind, formatRuleBody({ action, when })), action, when }
}
