/** The text of expressions: a Pratt parser over the tokens of a {@link Cursor}. */
import { isHost, prefixesBetween } from '../net/prefix.ts'
import type { Comparison, Expr, FieldRef, Item, Value } from './ast.ts'
import { MAX_WINDOW } from './ast.ts'
import { type CheckOptions, checkExpr } from './check.ts'
import { readPcap } from './classic/pcap.ts'
import { CONNECTIONS, readConnections } from './connections/index.ts'
import { Cursor } from './cursor.ts'
import { RuleSyntaxError, RuleTypeError, ruleErrorCodes } from './errors.ts'
import { type FieldName, fields } from './fields.ts'
import type { Token } from './lexer.ts'
import { compare, eitherOf, fieldRef, joinTerms, type PairName, pairs, type Slice } from './make.ts'
import { readP0f } from './signatures/p0f.ts'
import { readMatches } from './signatures/read-pattern.ts'
import { readSlice } from './slice.ts'
import { unknownField } from './unknown-field.ts'
import { readNumber, readValue, wantedValue } from './values.ts'

/** What is known around a text that is parsed. */
export interface ParseOptions {
  /** Names of the sets that exist. Without it, any name is taken. */
  readonly sets?: Iterable<string>
}

const comparisons: Readonly<Record<string, Comparison>> = {
  '==': '==',
  '!=': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  eq: '==',
  ne: '!=',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
}

const binary: Readonly<Record<string, { readonly kind: 'and' | 'or'; readonly power: number }>> = {
  or: { kind: 'or', power: 1 },
  '||': { kind: 'or', power: 1 },
  and: { kind: 'and', power: 2 },
  '&&': { kind: 'and', power: 2 },
}

const MAX_DEPTH = 64

/**
 * Reads an expression such as `udp.dstport == 53 and ip.src in $bogons`.
 * @throws RuleSyntaxError if it is not of the language
 * @throws RuleTypeError if it compares what cannot be compared
 */
export function parseExpr(text: string, options: ParseOptions = {}): Expr {
  const cursor = new Cursor(text)
  const expr = readExpr(cursor, options)
  if (cursor.token.kind !== 'end') cursor.fail('"and", "or" or the end')
  return expr
}

/** Reads an expression from the cursor up to the first token that cannot go on, and checks its types. */
export function readExpr(cursor: Cursor, options: ParseOptions): Expr {
  const expr = readBinary(cursor, 0, 0)
  const checks: CheckOptions = { source: cursor.source, spans: cursor.spans }
  checkExpr(expr, options.sets === undefined ? checks : { ...checks, sets: options.sets })
  return expr
}

function readBinary(cursor: Cursor, power: number, depth: number): Expr {
  const first = cursor.token
  let left = readUnary(cursor, depth)
  for (;;) {
    const operator = isOperator(cursor.token) ? binary[cursor.token.text] : undefined
    if (!operator || operator.power <= power) return left
    const terms = [left]
    while (isOperator(cursor.token) && binary[cursor.token.text]?.kind === operator.kind) {
      cursor.take()
      terms.push(readBinary(cursor, operator.power, depth))
    }
    left = cursor.mark(joinTerms(operator.kind, terms), first)
  }
}

const isOperator = (token: Token): boolean =>
  (token.kind === 'word' || token.kind === 'symbol') && Object.hasOwn(binary, token.text)

function readUnary(cursor: Cursor, depth: number): Expr {
  const first = cursor.token
  if (depth > MAX_DEPTH) cursor.fail(`at most ${MAX_DEPTH} parentheses and "not" within each other`)
  if (cursor.takeIf('not', '!')) return cursor.mark({ kind: 'not', term: readUnary(cursor, depth + 1) }, first)
  if (cursor.takeIf('(')) {
    const expr = readBinary(cursor, 0, depth + 1)
    cursor.expect(')')
    return expr
  }
  if (cursor.takeIf('true')) return { kind: 'literal', value: true }
  if (cursor.takeIf('false')) return { kind: 'literal', value: false }
  return readTest(cursor)
}

/** `field`, `field op value`, `field in …`, `field contains …`; the field may be a pair such as `udp.port`. */
function readTest(cursor: Cursor): Expr {
  const token = cursor.token
  if (token.kind !== 'word') cursor.fail('a field, "not" or "("')
  cursor.take()
  if (token.text === CONNECTIONS) return readConnections(cursor, token, readComparison)
  if (token.text === 'p0f' && cursor.is('(')) return readP0f(cursor, token)
  if (token.text === 'pcap') return readPcap(cursor, token)
  if (Object.hasOwn(pairs, token.text)) return readPairTest(cursor, token, token.text as PairName)
  if (!Object.hasOwn(fields, token.text)) throw unknownField(cursor.source, token)
  const name = token.text as FieldName
  const slice = cursor.token.kind === 'slice' ? readSlice(cursor.source, cursor.take()) : undefined
  return readOperator(cursor, token, name, slice)
}

/** A pair is two tests with one text: the same tokens are read for either field. */
function readPairTest(cursor: Cursor, token: Token, pair: PairName): Expr {
  const start = cursor.position
  return eitherOf(pair, (field) => {
    cursor.position = start
    return readOperator(cursor, token, field, undefined)
  })
}

function readOperator(cursor: Cursor, first: Token, name: FieldName, slice: Slice | undefined): Expr {
  const field = cursor.mark(fieldRef(name, slice), first)
  if (cursor.is('in') || (cursor.is('not') && cursor.next.text === 'in')) return readIn(cursor, first, field)
  if (cursor.takeIf('contains')) return readContains(cursor, first, field)
  if (cursor.takeIf('matches')) return readMatches(cursor, first, field)
  const mask = cursor.takeIf('&') ? readMask(cursor, first, name) : undefined
  const op = readComparison(cursor)
  if (op !== undefined) {
    if (fields[name].type.kind === 'bool') return readTruth(cursor, first, name, op)
    const value = readOperand(cursor, name)
    return cursor.mark(compare(field, op, value, mask), first)
  }
  if (mask !== undefined) return cursor.mark(compare(field, '!=', { kind: 'number', value: 0 }, mask), first)
  return readFlag(cursor, first, name)
}

/** Takes a comparison if one is there. */
function readComparison(cursor: Cursor): Comparison | undefined {
  const { kind, text } = cursor.token
  if ((kind !== 'word' && kind !== 'symbol') || !Object.hasOwn(comparisons, text)) return undefined
  cursor.take()
  return comparisons[text]
}

function readOperand(cursor: Cursor, name: FieldName) {
  const token = cursor.token
  if (token.kind === 'end') cursor.fail(wantedValue(name))
  if (token.text === '{') cursor.fail(wantedValue(name), `write "${name} in {…}"`)
  cursor.take()
  const value = cursor.mark(readValue(cursor.source, token, name), token)
  if (cursor.is('-', '..')) cursor.fail('the end of the comparison', `write "${name} in {${token.text}-…}"`)
  return value
}

function readMask(cursor: Cursor, first: Token, name: FieldName): number {
  const { kind } = fields[name].type
  const token = cursor.take()
  if (kind !== 'number' && kind !== 'bytes') {
    const suggestion = kind === 'address' ? 'compare with a prefix, such as 192.0.2.0/24' : undefined
    throw new RuleTypeError(
      { code: ruleErrorCodes.type, summary: `Cannot mask "${name}": masks are for numbers`, suggestion },
      cursor.source,
      cursor.spanFrom(first),
    )
  }
  const value = token.kind === 'word' || token.kind === 'number' ? readValue(cursor.source, token, name) : undefined
  return value?.kind === 'number' ? value.value : cursor.fail('a number as mask', undefined, token)
}

/** A field by itself has to be a `bool`. */
function readFlag(cursor: Cursor, token: Token, name: FieldName): Expr {
  if (fields[name].type.kind === 'bool') return cursor.mark({ kind: 'flag', field: name }, token)
  const suggestion =
    fields[name].type.kind === 'bytes' ? `write "${name}[0:4] == …" or "${name} contains …"` : undefined
  return cursor.fail(`a comparison of "${name}" with ${wantedValue(name)}`, suggestion)
}

/** `flag == true` and `flag == 1` are the flag itself. */
function readTruth(cursor: Cursor, first: Token, name: FieldName, op: Comparison): Expr {
  const token = cursor.take()
  const positive = token.text === 'true' || readNumber(token) === 1
  const negative = token.text === 'false' || readNumber(token) === 0
  if (op === '==' && positive) return cursor.mark({ kind: 'flag', field: name }, first)
  const suggestion = positive || negative ? `write "not ${name}"` : `write "${name}" or "not ${name}"`
  throw new RuleTypeError(
    { code: ruleErrorCodes.type, summary: `Cannot compare "${name}": it is a flag and stands by itself`, suggestion },
    cursor.source,
    cursor.spanFrom(first),
  )
}

function readIn(cursor: Cursor, first: Token, field: FieldRef): Expr {
  const negated = cursor.takeIf('not') !== undefined
  cursor.expect('in')
  const items = cursor.takeIf('{') ? readItems(cursor, field.name) : readItem(cursor, field.name)
  const expr: Expr = cursor.mark({ kind: 'in', field, items }, first)
  return negated ? cursor.mark({ kind: 'not', term: expr }, first) : expr
}

/** Items up to the closing brace, parted by commas or only by space. */
function readItems(cursor: Cursor, name: FieldName): Item[] {
  const items: Item[] = []
  while (!cursor.takeIf('}')) {
    items.push(...readItem(cursor, name))
    if (!cursor.takeIf(',') && cursor.token.kind === 'end') cursor.fail('"," or "}"')
  }
  return items
}

/** One item; a range of addresses is as many prefixes as it takes. */
function readItem(cursor: Cursor, name: FieldName): Item[] {
  const token = cursor.token
  if (token.kind === 'end' || token.kind === 'symbol') cursor.fail(`${wantedValue(name)}, a range or a $set`)
  cursor.take()
  if (token.kind === 'set') return [cursor.mark({ kind: 'set', name: token.text.slice(1) }, token)]
  const value = readValue(cursor.source, token, name)
  if (!cursor.takeIf('-', '..')) return [cursor.mark(value, token)]
  const to = readValue(cursor.source, cursor.take(), name)
  return readRange(cursor, token, name, value, to)
}

/** A range of numbers, or the prefixes that make up a range of addresses. */
function readRange(cursor: Cursor, first: Token, name: FieldName, from: Value, to: Value): Item[] {
  if (from.kind === 'number' && to.kind === 'number' && fields[name].type.kind !== 'mac') {
    return [cursor.mark({ kind: 'range', from: from.value, to: to.value }, first)]
  }
  const fail = (summary: string, suggestion?: string): never => {
    throw new RuleTypeError({ code: ruleErrorCodes.type, summary, suggestion }, cursor.source, cursor.spanFrom(first))
  }
  if (from.kind !== 'prefix' || to.kind !== 'prefix') {
    return fail(`Cannot make a range for "${name}": ranges are of numbers and addresses`)
  }
  if (!isHost(from.prefix) || !isHost(to.prefix) || from.prefix.family !== to.prefix.family) {
    return fail('Cannot make a range of these: wanted two addresses of one family', 'such as 192.0.2.1-192.0.2.9')
  }
  const prefixes = prefixesBetween(from.prefix, to.prefix)
  if (prefixes.length === 0) return fail('The range is empty: it runs backwards', 'write the lower address first')
  return prefixes.map((prefix) => cursor.mark({ kind: 'prefix', prefix }, first))
}

function readContains(cursor: Cursor, first: Token, field: FieldRef): Expr {
  const token = cursor.take()
  const value =
    token.kind === 'string' || token.kind === 'colons' ? readValue(cursor.source, token, 'udp.payload') : undefined
  if (value?.kind !== 'bytes') {
    throw new RuleSyntaxError(
      {
        code: ruleErrorCodes.syntax,
        summary: 'Wanted bytes behind "contains"',
        suggestion: 'write "text" or de:ad:be:ef',
      },
      cursor.source,
      token,
    )
  }
  const window =
    fields[field.name].type.kind === 'bytes' ? (field.slice ?? { offset: 0, length: MAX_WINDOW }) : field.slice
  const whole = cursor.mark(fieldRef(field.name, window), first)
  return cursor.mark({ kind: 'contains', field: whole, bytes: value.bytes }, first)
}
