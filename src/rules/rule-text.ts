/** The text of rules: `[id:] ACTION if EXPRESSION`. */
import { type Action, LIMIT_PORTS, type LimitKey, type LimitPort, type Rule } from './ast.ts'
import { checkAction } from './check-rule.ts'
import { Cursor } from './cursor.ts'
import { RuleTypeError, ruleErrorCodes, type Span } from './errors.ts'
import type { Token } from './lexer.ts'
import { type ParseOptions, readExpr } from './parser.ts'
import { formatRuleBody } from './print.ts'
import { defaultBits6, defaultBurst, derivedId, rateUnits } from './rule-defaults.ts'
import { closest } from './suggest.ts'
import { readNumber } from './values.ts'

/**
 * Reads one rule, such as `dns: limit 1k/s per ip.src if udp.dstport == 53`. Without an id it gets one derived from its text.
 * @throws RuleSyntaxError, RuleTypeError
 */
export function parseRule(text: string, options: ParseOptions = {}): Rule {
  return readRule(text, { offset: 0, length: text.length }, options).rule
}

/**
 * Reads rules from one text, or from one text each. In one text, a rule begins where a line is not indented; indented lines go on
 * with it. Equal rules without an id get ids that end in -2, -3 and so on.
 * @throws RuleSyntaxError, RuleTypeError
 */
export function parseRules(texts: string | readonly string[], options: ParseOptions = {}): Rule[] {
  const sources = typeof texts === 'string' ? splitRules(texts) : texts.map((text) => ({ text, span: whole(text) }))
  const known: ParseOptions = options.sets === undefined ? options : { sets: new Set(options.sets) }
  const seen = new Map<string, number>()
  const named = new Set<string>()
  return sources.map(({ text, span }) => {
    const { rule, id } = readRule(text, span, known)
    if (id && named.has(rule.id)) throw duplicate(rule.id, text, id)
    if (id) named.add(rule.id)
    const count = (seen.get(rule.id) ?? 0) + 1
    if (!id) seen.set(rule.id, count)
    return id || count === 1 ? rule : { ...rule, id: `${rule.id}-${count}` }
  })
}

const whole = (text: string): Span => ({ offset: 0, length: text.length })

/** Stretches of a text that hold a rule each. */
function splitRules(text: string): { text: string; span: Span }[] {
  const spans: { offset: number; length: number }[] = []
  let offset = 0
  for (const line of text.split('\n')) {
    const last = spans.at(-1)
    if (/^[^\s#]/.test(line)) spans.push({ offset, length: line.length })
    else if (last) last.length = offset + line.length - last.offset
    else if (/^\s+[^\s#]/.test(line)) spans.push({ offset, length: line.length })
    offset += line.length + 1
  }
  return spans.map((span) => ({ text, span }))
}

function duplicate(id: string, source: string, span: Span): RuleTypeError {
  const summary = `Two rules have the id "${id}", wanted every id once`
  return new RuleTypeError({ code: ruleErrorCodes.duplicate, summary }, source, span)
}

/**
 * Reads a rate such as `10k/s` or `5/m` as packets a second.
 * @throws RuleSyntaxError
 */
export const parseRate = (text: string): number => readWhole(text, readRate)

/**
 * Reads what a limit counts apart, such as `ip.src/24, ip.dst`.
 * @throws RuleSyntaxError
 */
export const parseLimitKey = (text: string): LimitKey => readWhole(text, readKey)

function readWhole<T>(text: string, read: (cursor: Cursor) => T): T {
  const cursor = new Cursor(text)
  const value = read(cursor)
  return cursor.token.kind === 'end' ? value : cursor.fail('the end')
}

interface ReadRule {
  readonly rule: Rule
  /** Where the id stands, if the text has one. */
  readonly id: Span | undefined
}

const idPrefix = /[ \t\r\n]*([A-Za-z0-9][\w.-]{0,62})[ \t]*:(?=\s)/y

function readRule(source: string, span: Span, options: ParseOptions): ReadRule {
  idPrefix.lastIndex = span.offset
  const found = idPrefix.exec(source)
  const start = found ? idPrefix.lastIndex : span.offset
  const cursor = new Cursor(source, start, span.offset + span.length)
  const action = readAction(cursor)
  cursor.expect('if', 'write "if true" to match every packet')
  const when = readExpr(cursor, options)
  if (cursor.token.kind !== 'end') cursor.fail('"and", "or" or the end')
  const name = found?.[1]
  const id = name === undefined ? undefined : { offset: source.indexOf(name, span.offset), length: name.length }
  return { rule: { id: name ?? derivedId(action.kind, formatRuleBody({ action, when })), action, when }, id }
}

const actionWords = ['drop', 'pass', 'count', 'limit', 'sample'] as const

/** Words of other tools for the same thing. */
const foreignActions: Readonly<Record<string, string>> = {
  accept: 'pass',
  allow: 'pass',
  block: 'drop',
  deny: 'drop',
  reject: 'drop',
  log: 'sample',
  ratelimit: 'limit',
}

function readAction(cursor: Cursor): Action {
  const token = cursor.token
  if (cursor.takeIf('drop')) return { kind: 'drop' }
  if (cursor.takeIf('pass')) return { kind: 'pass' }
  if (cursor.takeIf('count')) return { kind: 'count' }
  if (cursor.takeIf('limit')) return checked(cursor, token, readLimit(cursor))
  if (cursor.takeIf('sample')) return checked(cursor, token, readSample(cursor))
  const near = foreignActions[token.text] ?? (token.kind === 'word' ? closest(token.text, actionWords) : undefined)
  return cursor.fail('"drop", "pass", "count", "limit" or "sample"', near && `did you mean "${near}"?`)
}

function checked(cursor: Cursor, first: Token, action: Action): Action {
  checkAction(action, { source: cursor.source, span: cursor.spanFrom(first) })
  return action
}

function readSample(cursor: Cursor): Action {
  const one = cursor.take()
  if (readNumber(one) !== 1) cursor.fail('"1/N"', 'such as 1/100', one)
  cursor.expect('/')
  return { kind: 'sample', every: takeNumber(cursor, 'how many packets make one sample') }
}

function readLimit(cursor: Cursor): Action {
  const rate = readRate(cursor)
  let burst: number | undefined
  let per: LimitKey | undefined
  for (;;) {
    if (burst === undefined && cursor.takeIf('burst')) burst = takeNumber(cursor, 'a number of packets')
    else if (!per && cursor.takeIf('per')) per = readKey(cursor)
    else break
  }
  if (!cursor.is('if')) cursor.fail('"burst", "per" or "if"')
  return { kind: 'limit', rate, burst: burst ?? defaultBurst(rate), per: per ?? { kind: 'rule' } }
}

function readRate(cursor: Cursor): number {
  const count = takeNumber(cursor, 'a rate', 'such as 1000/s, 10k/s or 5/m')
  cursor.expect('/', 'write the unit of the rate: /s, /m or /h')
  const unit = cursor.take()
  if (Object.hasOwn(rateUnits, unit.text)) return count / rateUnits[unit.text as keyof typeof rateUnits]
  return cursor.fail('"s", "m" or "h"', undefined, unit)
}

type Part = Extract<LimitKey, { kind: 'address' }>['parts'][number]

function readKey(cursor: Cursor): LimitKey {
  if (cursor.takeIf('rule')) return { kind: 'rule' }
  const parts: Part[] = []
  const ports: LimitPort[] = []
  do {
    const port = LIMIT_PORTS.find((name) => cursor.takeIf(name))
    if (port === undefined) parts.push(readPart(cursor))
    else ports.push(port)
  } while (cursor.takeIf(','))
  return { kind: 'address', parts, ...(ports.length === 0 ? {} : { ports }) }
}

function readPart(cursor: Cursor): Part {
  const token = cursor.take()
  if (token.text !== 'ip.src' && token.text !== 'ip.dst') {
    cursor.fail('"ip.src", "ip.dst", a port or "rule"', 'such as per ip.src/24', token)
  }
  const bits4 = cursor.takeIf('/') ? takeNumber(cursor, 'IPv4 prefix bits') : 32
  const bits6 = cursor.takeIf('/') ? takeNumber(cursor, 'IPv6 prefix bits') : defaultBits6(bits4)
  return { field: token.text as Part['field'], bits4, bits6 }
}

function takeNumber(cursor: Cursor, wanted: string, suggestion?: string): number {
  const token = cursor.take()
  return readNumber(token) ?? cursor.fail(wanted, suggestion, token)
}
