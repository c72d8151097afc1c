/** Rules and expressions back to their one canonical text: `parseExpr(formatExpr(e))` is `canonical(e)`. */
import { formatAddress } from '../net/address.ts'
import { formatMac } from '../net/mac.ts'
import { formatPrefix, isHost, type Prefix } from '../net/prefix.ts'
import {
  type Action,
  type Expr,
  type FieldRef,
  type Item,
  type LimitKey,
  MAX_WINDOW,
  type Rule,
  type Value,
} from './ast.ts'
import { formatConnections } from './connections/index.ts'
import { type FieldName, fields } from './fields.ts'
import { canonical } from './make.ts'
import { nameByValue } from './names.ts'
import { defaultBits6, defaultBurst, derivedId, perUnit } from './rule-defaults.ts'
import { formatSignature } from './signatures/format-signature.ts'

/** The text of an expression. */
export function formatExpr(expr: Expr): string {
  return print(canonical(expr), 0)
}

/** The text of a rule, with its id unless that is the one derived from the text. `until` has no text. */
export function formatRule(rule: Rule): string {
  const body = formatRuleBody(rule)
  return rule.id === derivedId(rule.action.kind, body) ? body : `${rule.id}: ${body}`
}

/** The text of a rule without its id. */
export function formatRuleBody(rule: Pick<Rule, 'action' | 'when'>): string {
  return `${formatAction(rule.action)} if ${formatExpr(rule.when)}`
}

export function formatAction(action: Action): string {
  if (action.kind === 'sample') return `sample 1/${action.every}`
  if (action.kind !== 'limit') return action.kind
  const burst = action.burst === defaultBurst(action.rate) ? '' : ` burst ${action.burst}`
  return `limit ${formatRate(action.rate)}${burst}${formatKey(action.per)}`
}

/** `10/s`, `1/m` or `1/h`: the first unit that makes it a whole number. */
export function formatRate(rate: number): string {
  const unit = perUnit(rate)
  return unit ? `${unit.count}/${unit.name}` : `${rate}/s`
}

function formatKey(key: LimitKey): string {
  if (key.kind === 'rule') return ''
  const parts = key.parts.map(({ field, bits4, bits6 }) => {
    if (bits6 !== defaultBits6(bits4)) return `${field}/${bits4}/${bits6}`
    return bits4 === 32 ? field : `${field}/${bits4}`
  })
  return ` per ${[...parts, ...(key.ports ?? [])].join(', ')}`
}

const powers = { or: 1, and: 2 } as const

function print(expr: Expr, power: number): string {
  switch (expr.kind) {
    case 'and':
    case 'or': {
      const own = powers[expr.kind]
      const text = expr.terms.map((term) => print(term, own)).join(` ${expr.kind} `)
      return own < power ? `(${text})` : text
    }
    case 'not':
      return printNot(expr.term)
    case 'flag':
      return expr.field
    case 'literal':
      return String(expr.value)
    case 'matches':
      return `${expr.field.name} matches ${quoteText(expr.pattern)}`
    case 'p0f':
      return `p0f("${formatSignature(expr.signature)}")`
    case 'connections':
      return formatConnections(expr)
    case 'pcap':
      return `pcap(${quoteText(expr.text)})`
    case 'compare': {
      const mask = expr.mask === undefined ? '' : ` & ${hex(expr.mask)}`
      return `${printField(expr.field)}${mask} ${expr.op} ${printValue(expr.value, expr.field, expr.mask !== undefined)}`
    }
    case 'in':
      return `${printField(expr.field)} ${printIn(expr.items, expr.field)}`
    case 'contains':
      return `${printWindow(expr.field)} contains ${printBytes(expr.bytes)}`
  }
}

function printNot(term: Expr): string {
  if (term.kind === 'in') return `${printField(term.field)} not ${printIn(term.items, term.field)}`
  return term.kind === 'compare' || term.kind === 'contains' || term.kind === 'matches' || term.kind === 'connections'
    ? `not (${print(term, 0)})`
    : `not ${print(term, 3)}`
}

function printField({ name, slice }: FieldRef): string {
  return slice ? `${name}[${slice.offset}:${slice.length}]` : name
}

function printWindow(field: FieldRef): string {
  const whole = field.slice?.offset === 0 && field.slice.length === MAX_WINDOW
  return whole ? field.name : printField(field)
}

function printIn(items: readonly Item[], field: FieldRef): string {
  const [first] = items
  if (items.length === 1 && first?.kind === 'set') return `in $${first.name}`
  return `in {${items.map((item) => printItem(item, field)).join(', ')}}`
}

function printItem(item: Item, field: FieldRef): string {
  if (item.kind === 'set') return `$${item.name}`
  return item.kind === 'range' ? `${item.from}-${item.to}` : printValue(item, field, false)
}

function printValue(value: Value, field: FieldRef, masked: boolean): string {
  switch (value.kind) {
    case 'prefix':
      return printPrefix(value.prefix)
    case 'bytes':
      return printBytes(value.bytes)
    case 'name':
      return quoteText(value.name)
    case 'number':
      if (fields[field.name].type.kind === 'mac') return formatMac(value.value)
      return masked ? hex(value.value) : printNumber(value.value, field)
  }
}

const inHex: ReadonlySet<FieldName> = new Set(['eth.type', 'tcp.flags', 'dns.flags', 'ip.checksum', 'udp.checksum'])

function printNumber(value: number, field: FieldRef): string {
  if (field.slice) return hex(value, 2 * field.slice.length)
  return nameByValue(field.name, value) ?? (inHex.has(field.name) ? hex(value) : String(value))
}

const printPrefix = (prefix: Prefix): string => (isHost(prefix) ? formatAddress(prefix) : formatPrefix(prefix))

const hex = (value: number, digits = 0): string => `0x${value.toString(16).padStart(digits, '0')}`

/** Bytes that are all printable in quotes, others in hexadecimal. */
function printBytes(bytes: Uint8Array): string {
  if (bytes.length < 2 || bytes.every(isPrintable)) return quote([...bytes])
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')
}

const isPrintable = (byte: number): boolean => byte >= 0x20 && byte < 0x7f

/** A text of which each character is one byte. */
const quoteText = (text: string): string => quote(Array.from(text, (char) => char.charCodeAt(0)))

function quote(bytes: readonly number[]): string {
  const text = bytes.map((byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`
    return isPrintable(byte) ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`
  })
  return `"${text.join('')}"`
}
