/** Tokens of the text to the values of the syntax tree, as the type of the field asks. */
import { encodeName } from '../net/dns-name.ts'
import { NetError } from '../net/errors.ts'
import { parseMac } from '../net/mac.ts'
import { parsePrefix } from '../net/prefix.ts'
import type { Value } from './ast.ts'
import { RuleTypeError, ruleErrorCodes, type Span } from './errors.ts'
import { type FieldName, type FieldType, fields } from './fields.ts'
import { describeToken, type Token } from './lexer.ts'
import { valueByName, valueNames } from './names.ts'
import { closest } from './suggest.ts'

const suffixes: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6 }

/** Reads `53`, `0x35`, `10k` or `2M`; undefined if the token is none of these. */
export function readNumber(token: Token): number | undefined {
  if (token.kind !== 'number') return undefined
  if (/^0x[0-9a-f]+$/i.test(token.text)) return Number.parseInt(token.text.slice(2), 16)
  const parts = /^(\d+)([kM]?)$/.exec(token.text)
  return parts ? Number(parts[1]) * suffixes[parts[2]!]! : undefined
}

/**
 * The value that a token stands for in a comparison of `field`.
 * @throws RuleTypeError if the field takes no such value
 */
export function readValue(source: string, token: Token, field: FieldName): Value {
  const { type } = fields[field]
  const value = readers[type.kind](token, field, source)
  if (value) return value
  throw new RuleTypeError(
    {
      code: ruleErrorCodes.type,
      summary: `Cannot compare "${field}" with ${describeToken(token)}: it takes ${wantedValue(field)}`,
      suggestion: suggestValue(token, field, type),
    },
    source,
    token,
  )
}

type Reader = (token: Token, field: FieldName, source: string) => Value | undefined

const readers: Readonly<Record<FieldType['kind'], Reader>> = {
  bool: () => undefined,
  number: (token, field) => numberValue(readNumber(token) ?? namedNumber(token, field)),
  address: (token, _field, source) => readAddress(token, source),
  mac: (token) => readMac(token),
  bytes: (token) => numberValue(readNumber(token)) ?? readBytes(token),
  name: (token, _field, source) => readName(token, source),
}

const numberValue = (value: number | undefined): Value | undefined =>
  value === undefined ? undefined : { kind: 'number', value }

const namedNumber = (token: Token, field: FieldName): number | undefined =>
  token.kind === 'word' ? valueByName(field, token.text) : undefined

function readAddress(token: Token, source: string): Value | undefined {
  if (token.kind !== 'dotted' && token.kind !== 'colons') return undefined
  return { kind: 'prefix', prefix: attempt(() => parsePrefix(token.text), source, token) }
}

function readMac(token: Token): Value | undefined {
  if (token.kind !== 'colons' || !/^..(:..){5}$/.test(token.text)) return undefined
  return { kind: 'number', value: parseMac(token.text) }
}

function readBytes(token: Token): Value | undefined {
  if (token.kind === 'string') return { kind: 'bytes', bytes: unquote(token.text) }
  if (token.kind !== 'colons' || !/^[0-9a-f]{2}(:[0-9a-f]{2})+$/i.test(token.text)) return undefined
  return { kind: 'bytes', bytes: Uint8Array.from(token.text.split(':'), (hex) => Number.parseInt(hex, 16)) }
}

function readName(token: Token, source: string): Value | undefined {
  if (token.kind !== 'string') return undefined
  const name = attempt(() => canonicalName(latin1(unquote(refuseUnicode(token.text)))), source, token)
  return { kind: 'name', name }
}

/**
 * A DNS name in lower case and without a final dot; the root is ''.
 * @throws NetError NET_NAME
 */
export function canonicalName(name: string): string {
  encodeName(name)
  const text = name.endsWith('.') ? name.slice(0, -1) : name
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/**
 * Gives the text back if it is ASCII. Names hold bytes, and those of an internationalised name are its xn-- form.
 * @throws NetError NET_NAME
 */
export function refuseUnicode(text: string): string {
  if (/^\p{ASCII}*$/u.test(text)) return text
  const summary = `Cannot compare a name with "${text.replaceAll('"', '')}": it is not ASCII (write the xn-- form of the name)`
  throw new NetError('NET_NAME', summary)
}

const latin1 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')

const escapes: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, '0': 0 }

/** The bytes of a quoted text: UTF-8, with `\xHH`, `\n`, `\r`, `\t`, `\0`, and any other character behind `\` as it is. */
export function unquote(quoted: string): Uint8Array {
  const inner = quoted.slice(1, -1)
  const bytes: number[] = []
  for (const [part] of inner.matchAll(/\\x[0-9a-fA-F]{2}|\\.|[^\\]/gsu)) {
    if (part.length === 4 && part.startsWith('\\x')) bytes.push(Number.parseInt(part.slice(2), 16))
    else if (part.startsWith('\\') && part[1]! in escapes) bytes.push(escapes[part[1]!]!)
    else bytes.push(...new TextEncoder().encode(part.startsWith('\\') ? part.slice(1) : part))
  }
  return Uint8Array.from(bytes)
}

/** Turns an error of `src/net` into one that points at the place. */
export function attempt<T>(read: () => T, source: string, place: Span): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof NetError)) throw cause
    throw new RuleTypeError({ code: ruleErrorCodes.type, summary: cause.message }, source, place, { cause })
  }
}

/** What a field can be compared with, for error messages. */
export function wantedValue(field: FieldName): string {
  const { type } = fields[field]
  switch (type.kind) {
    case 'bool':
      return 'no value'
    case 'number':
      return `a number from 0 to ${2 ** type.bits - 1}${field in valueNames ? ' or a name' : ''}`
    case 'address':
      return 'an IP address or prefix'
    case 'mac':
      return 'a MAC address'
    case 'bytes':
      return 'bytes in quotes or hexadecimal, or a number'
    case 'name':
      return 'a DNS name in quotes'
  }
}

function suggestValue(token: Token, field: FieldName, type: FieldType): string | undefined {
  if (token.kind === 'set') return `write "${field} in ${token.text}"`
  if (type.kind === 'name' && token.kind === 'word') return `write "${token.text}" in quotes`
  if (type.kind === 'number' && token.kind === 'string') return `write ${token.text.slice(1, -1)} without quotes`
  const names = valueNames[field]
  const near = names && token.kind === 'word' ? closest(token.text, Object.keys(names)) : undefined
  return near === undefined ? undefined : `did you mean "${near}"?`
}
