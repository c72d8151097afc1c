import { RuleSyntaxError, ruleErrorCodes, type Span } from './errors.ts'
import { describeToken, lex, type Token } from './lexer.ts'

/** A place in the tokens of a text, and the spans of the nodes made of them. */
export class Cursor {
  readonly source: string
  /** Where the text of each node of the tree stands. */
  readonly spans = new Map<object, Span>()
  readonly #tokens: readonly Token[]
  /** Index of the token at hand; may be set back to an earlier one. */
  position = 0

  constructor(source: string, start?: number, end?: number) {
    this.source = source
    this.#tokens = lex(source, start, end)
  }

  /** The token at hand. */
  get token(): Token {
    return this.#tokens[this.position]!
  }

  /** The token before it; the first, at the start. */
  get last(): Token {
    return this.#tokens[Math.max(0, this.position - 1)]!
  }

  /** The token behind it. */
  get next(): Token {
    return this.#tokens[Math.min(this.position + 1, this.#tokens.length - 1)]!
  }

  take(): Token {
    const { token } = this
    if (token.kind !== 'end') this.position++
    return token
  }

  /** Whether the token is one of these words or symbols. */
  is(...texts: readonly string[]): boolean {
    const { kind, text } = this.token
    return (kind === 'word' || kind === 'symbol') && texts.includes(text)
  }

  /** Takes the token if it is one of these. */
  takeIf(...texts: readonly string[]): Token | undefined {
    return this.is(...texts) ? this.take() : undefined
  }

  expect(text: string, suggestion?: string): Token {
    return this.takeIf(text) ?? this.fail(`"${text}"`, suggestion)
  }

  /** Notes where a node stands: from a token to the last one taken. */
  mark<T extends object>(node: T, from: Span): T {
    this.spans.set(node, this.spanFrom(from))
    return node
  }

  spanFrom(from: Span): Span {
    return { offset: from.offset, length: Math.max(from.length, this.last.offset + this.last.length - from.offset) }
  }

  /** @throws RuleSyntaxError that says what was found and what was wanted */
  fail(wanted: string, suggestion?: string, at: Token = this.token): never {
    const summary = `Found ${describeToken(at)}, wanted ${wanted}`
    throw new RuleSyntaxError({ code: ruleErrorCodes.syntax, summary, suggestion }, this.source, at)
  }
}
