import { addressBits } from '../../net/address.ts'
import type { Comparison, Expr, PrefixLengths } from '../ast.ts'
import { Condition } from '../condition.ts'
import type { Cursor } from '../cursor.ts'
import { RuleTypeError, ruleErrorCodes } from '../errors.ts'
import type { Token } from '../lexer.ts'
import { defaultBits6 } from '../rule-defaults.ts'
import { readNumber } from '../values.ts'

/** The word for the number of connections; `per` must follow. */
export const CONNECTIONS = 'conn.count'

/** Greatest number that connections can be compared with. */
export const MAX_CONNECTIONS = 2 ** 31 - 1

type Connections = Extract<Expr, { kind: 'connections' }>

/** Reads `per ip.src/24/56 > 100` behind `conn.count`. */
export function readConnections(
  cursor: Cursor,
  first: Token,
  readComparison: (cursor: Cursor) => Comparison | undefined,
): Expr {
  cursor.expect('per', 'such as conn.count per ip.src > 100')
  cursor.expect('ip.src', 'connections are counted by who opened them')
  const bits4 = cursor.takeIf('/') ? readBits(cursor, 4) : 32
  const bits6 = cursor.takeIf('/') ? readBits(cursor, 6) : defaultBits6(bits4)
  const op = readComparison(cursor) ?? cursor.fail('a comparison', 'such as "> 100"')
  const token = cursor.token
  const value = readNumber(token) ?? cursor.fail(`a number from 0 to ${MAX_CONNECTIONS}`)
  cursor.take()
  const expr = cursor.mark<Connections>({ kind: 'connections', bits4, bits6, op, value }, first)
  const problem = connectionsProblem(expr)
  if (problem === undefined) return expr
  throw new RuleTypeError({ code: ruleErrorCodes.range, summary: problem }, cursor.source, cursor.spanFrom(first))
}

function readBits(cursor: Cursor, family: 4 | 6): number {
  const bits = readNumber(cursor.token)
  const max = addressBits[family]
  if (bits === undefined || bits > max) cursor.fail(`IPv${family} prefix bits from 0 to ${max}`)
  cursor.take()
  return bits
}

/** What is wrong with the numbers of the test, if anything is. */
export function connectionsProblem({ bits4, bits6, value }: Connections): string | undefined {
  const fits = (number: number, max: number): boolean => Number.isInteger(number) && number >= 0 && number <= max
  if (!fits(bits4, 32)) return `The prefix length ${bits4} is out of range, wanted 0 to 32`
  if (!fits(bits6, 128)) return `The prefix length ${bits6} is out of range, wanted 0 to 128`
  if (fits(value, MAX_CONNECTIONS)) return undefined
  return `The value ${value} does not fit "${CONNECTIONS}", wanted 0 to ${MAX_CONNECTIONS}`
}

/** The text of the test. */
export function formatConnections({ bits4, bits6, op, value }: Connections): string {
  const six = bits6 === defaultBits6(bits4) ? '' : `/${bits6}`
  const lengths = six === '' && bits4 === 32 ? '' : `/${bits4}${six}`
  return `${CONNECTIONS} per ip.src${lengths} ${op} ${value}`
}

/** How many live connections the source, or a prefix around it, has opened to this host. */
export class ConnectionCount {
  readonly #lengths: PrefixLengths

  constructor(lengths: PrefixLengths) {
    this.#lengths = lengths
  }

  gt(value: number): Condition {
    return this.#compare('>', value)
  }

  ge(value: number): Condition {
    return this.#compare('>=', value)
  }

  lt(value: number): Condition {
    return this.#compare('<', value)
  }

  le(value: number): Condition {
    return this.#compare('<=', value)
  }

  #compare(op: Comparison, value: number): Condition {
    const expr: Connections = { kind: 'connections', ...this.#lengths, op, value }
    const summary = connectionsProblem(expr)
    if (summary !== undefined) throw new RuleTypeError({ code: ruleErrorCodes.range, summary })
    return new Condition(expr)
  }
}

/** `connections().gt(100)` is `conn.count per ip.src > 100`, `connections(24).gt(100)` is `conn.count per ip.src/24 > 100`. */
export const connections = (bits4 = 32, bits6 = defaultBits6(bits4)): ConnectionCount =>
  new ConnectionCount({ bits4, bits6 })
