import { RuleSyntaxError, ruleErrorCodes, type Span } from './errors.ts'

export type TokenKind =
  /** Keywords, field names, named values. */
  | 'word'
  /** `53`, `0x12`, `10k`, `2M`. */
  | 'number'
  /** Anything with dots: an IPv4 address or prefix. */
  | 'dotted'
  /** Anything with colons: an IPv6 address or prefix, a MAC address or bytes in hexadecimal. */
  | 'colons'
  | 'string'
  /** `[…]` as a whole. */
  | 'slice'
  /** `$name`. */
  | 'set'
  | 'symbol'
  | 'end'

export interface Token extends Span {
  readonly kind: TokenKind
  readonly text: string
}

const patterns: readonly (readonly [TokenKind, RegExp])[] = [
  ['colons', /(?:[0-9a-fA-F]{1,4})?(?::[0-9a-fA-F]{0,4})+(?:\.\d+)*(?:\/\w+)?/y],
  ['dotted', /\d+(?:\.\d+)+(?:\/\w+)?/y],
  ['number', /\d\w*/y],
  ['word', /[A-Za-z_]\w*(?:\.\w+)*/y],
  ['set', /\$[A-Za-z_][\w.-]*/y],
  ['string', /"(?:[^"\\\n]|\\[^\n])*"/y],
  ['slice', /\[[^\]\n]*\]/y],
  ['symbol', /&&|\|\||\.\.|[=!<>]=|[<>!&(){},/-]/y],
]

const space = /(?:\s+|#[^\n]*)*/y

const hints: Readonly<Record<string, string>> = {
  '=': 'write "=="',
  '|': 'write "||" or "or"',
  '"': 'end the text with another "',
  '[': 'end the slice with "]"',
  $: 'write the name of a set behind "$"',
  "'": 'write texts in double quotes',
}

/** The tokens of `source[start, end)`; the last is of kind `end`. White space and `# comments` only part tokens. */
export function lex(source: string, start = 0, end = source.length): Token[] {
  const text = source.slice(0, end)
  const tokens: Token[] = []
  let at = skipSpace(text, start)
  while (at < end) {
    const token = match(text, at) ?? unknown(text, at)
    tokens.push(token)
    at = skipSpace(text, at + token.length)
  }
  tokens.push({ kind: 'end', text: '', offset: text.trimEnd().length, length: 1 })
  return tokens
}

function skipSpace(text: string, at: number): number {
  space.lastIndex = at
  space.test(text)
  return space.lastIndex
}

function match(text: string, at: number): Token | undefined {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found) return { kind, text: found[0], offset: at, length: found[0].length }
  }
  return undefined
}

function unknown(text: string, at: number): never {
  const char = String.fromCodePoint(text.codePointAt(at)!)
  throw new RuleSyntaxError(
    { code: ruleErrorCodes.syntax, summary: `Cannot read ${quote(char)} here`, suggestion: hints[char] },
    text,
    { offset: at, length: char.length },
  )
}

const quote = (text: string): string => (text === '"' ? "'\"'" : `"${text}"`)

/** How an error message names a token. */
export function describeToken(token: Token): string {
  return token.kind === 'end' ? 'the end' : token.kind === 'string' ? token.text : quote(token.text)
}
