/** The definition of the language: what a rule set does with a packet. The compiled program has to agree with it. */
import type { Address } from '../net/address.ts'
import { Dissection, dissect, type MalformedReason } from '../net/dissect.ts'
import { encodeName } from '../net/dns-name.ts'
import { prefixContains } from '../net/prefix.ts'
import {
  type Comparison,
  type Expr,
  type FieldRef,
  type Item,
  MAX_WINDOW,
  type PrefixLengths,
  type Rule,
  type RuleSet,
  type Value,
} from './ast.ts'
import { interpret } from './classic/index.ts'
import { type AnyFact, readFact } from './facts.ts'
import { matchesSignature } from './signatures/match-signature.ts'
import { matchesPattern } from './signatures/name-pattern.ts'
import { readSyn } from './signatures/syn.ts'

/** What happens to a packet, and why. */
export interface Decision {
  readonly verdict: 'pass' | 'drop'
  readonly reason: 'rule' | 'default' | 'malformed'
  /** Id of the rule that decided. */
  readonly rule?: string
  readonly malformed?: MalformedReason
  /** Ids of all rules that matched up to the decision, in order. */
  readonly matched: readonly string[]
}

/** What rules need to know beside the packet. */
export interface EvaluationEnv {
  readonly sets: { has(name: string, address: Address): boolean }
  /** Whether a packet is over the limit of a rule; no packet is, by default. */
  readonly limiter?: (rule: Rule, packet: Dissection) => boolean
  /** How many live connections the prefix around a source has opened; none, by default. */
  readonly connections?: (source: Address, lengths: PrefixLengths) => number
  /** CLOCK_MONOTONIC in nanoseconds, for `until`; without it no rule has expired. */
  readonly now?: bigint
}

/** Runs the rules on a frame, or on one that was dissected before. */
export function evaluate(ruleSet: RuleSet, packet: Uint8Array | Dissection, env: EvaluationEnv): Decision {
  const dissection = packet instanceof Dissection ? packet : dissect(packet)
  const { malformed } = dissection
  if (malformed) return { verdict: ruleSet.malformed, reason: 'malformed', malformed, matched: [] }
  const matched: string[] = []
  for (const rule of ruleSet.rules) {
    if (isExpired(rule, env) || !evaluateExpr(rule.when, dissection, env)) continue
    matched.push(rule.id)
    const verdict = act(rule, dissection, env)
    if (verdict) return { verdict, reason: 'rule', rule: rule.id, matched }
  }
  return { verdict: 'pass', reason: 'default', matched }
}

const isExpired = (rule: Rule, env: EvaluationEnv): boolean =>
  rule.until !== undefined && env.now !== undefined && env.now > rule.until

/** The verdict of a rule that matches, if it decides. */
function act(rule: Rule, packet: Dissection, env: EvaluationEnv): 'pass' | 'drop' | undefined {
  const { kind } = rule.action
  if (kind === 'drop' || kind === 'pass') return kind
  return kind === 'limit' && env.limiter?.(rule, packet) ? 'drop' : undefined
}

/** Whether an expression is true for a well-formed packet. */
export function evaluateExpr(
  expr: Expr,
  packet: Dissection,
  env: Pick<EvaluationEnv, 'sets' | 'connections'>,
): boolean {
  switch (expr.kind) {
    case 'and':
      return expr.terms.every((term) => evaluateExpr(term, packet, env))
    case 'or':
      return expr.terms.some((term) => evaluateExpr(term, packet, env))
    case 'not':
      return !evaluateExpr(expr.term, packet, env)
    case 'flag':
      return readFact(packet, expr.field) === true
    case 'literal':
      return expr.value
    case 'compare': {
      const fact = readField(packet, expr.field)
      return fact !== undefined && compareFact(fact, expr.op, expr.value, expr.mask)
    }
    case 'in': {
      const fact = readField(packet, expr.field)
      return fact !== undefined && expr.items.some((item) => isItem(fact, item, env))
    }
    case 'contains':
      return contains(packet, expr.field, expr.bytes)
    case 'matches': {
      const name = readFact(packet, expr.field.name)
      return name instanceof Uint8Array && matchesPattern(expr.pattern, name)
    }
    case 'p0f': {
      const syn = readSyn(packet)
      return syn !== undefined && matchesSignature(expr.signature, syn)
    }
    case 'connections': {
      const source = readFact(packet, 'ip.src')
      if (typeof source !== 'object' || !('family' in source)) return false
      return compareNumber(env.connections?.(source, expr) ?? 0, expr.op, expr.value)
    }
    case 'pcap':
      return interpret(expr.program, packet.bytes) !== 0
  }
}

/** The field's value; of a payload, the bytes of the slice if all of them are there. */
function readField(packet: Dissection, { name, slice }: FieldRef): AnyFact {
  const fact = readFact(packet, name)
  if (!slice || !(fact instanceof Uint8Array)) return fact
  const end = slice.offset + slice.length
  return end <= fact.length ? fact.subarray(slice.offset, end) : undefined
}

function isItem(fact: NonNullable<AnyFact>, item: Item, env: Pick<EvaluationEnv, 'sets'>): boolean {
  if (item.kind === 'set') return isAddress(fact) && env.sets.has(item.name, fact)
  if (item.kind !== 'range') return isEqual(fact, item)
  const value = toNumber(fact)
  return value >= item.from && value <= item.to
}

function compareFact(fact: NonNullable<AnyFact>, op: Comparison, value: Value, mask: number | undefined): boolean {
  if (value.kind !== 'number') return isEqual(fact, value) === (op === '==')
  return compareNumber(mask === undefined ? toNumber(fact) : (toNumber(fact) & mask) >>> 0, op, value.value)
}

function compareNumber(number: number, op: Comparison, value: number): boolean {
  switch (op) {
    case '==':
      return number === value
    case '!=':
      return number !== value
    case '<':
      return number < value
    case '<=':
      return number <= value
    case '>':
      return number > value
    case '>=':
      return number >= value
  }
}

function isEqual(fact: NonNullable<AnyFact>, value: Value): boolean {
  switch (value.kind) {
    case 'number':
      return toNumber(fact) === value.value
    case 'prefix':
      return isAddress(fact) && prefixContains(value.prefix, fact)
    case 'bytes':
      return fact instanceof Uint8Array && equalBytes(fact, value.bytes)
    case 'name':
      return fact instanceof Uint8Array && equalBytes(fact, encodeName(value.name))
  }
}

const isAddress = (fact: NonNullable<AnyFact>): fact is Address => typeof fact === 'object' && 'family' in fact

/** A number as it is, or the big-endian number of a slice's bytes. */
function toNumber(fact: NonNullable<AnyFact>): number {
  if (typeof fact === 'number') return fact
  return fact instanceof Uint8Array ? fact.reduce((value, byte) => value * 256 + byte, 0) : Number.NaN
}

function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}

/** Whether the bytes are anywhere in what the payload has of the window. */
function contains(packet: Dissection, { name, slice }: FieldRef, wanted: Uint8Array): boolean {
  const payload = readFact(packet, name)
  if (!(payload instanceof Uint8Array)) return false
  const { offset, length } = slice ?? { offset: 0, length: MAX_WINDOW }
  const window = payload.subarray(offset, offset + length)
  for (let at = 0; at + wanted.length <= window.length; at++) {
    if (wanted.every((byte, index) => byte === window[at + index])) return true
  }
  return false
}
