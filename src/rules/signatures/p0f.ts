import type { Expr } from '../ast.ts'
import { Condition } from '../condition.ts'
import type { Cursor } from '../cursor.ts'
import type { Token } from '../lexer.ts'
import { parseSignature } from './parse-signature.ts'

/**
 * Holds for the TCP SYNs of a p0f v3 signature, such as `p0f('4:64:0:*:mss*10,6:mss,sok,ts,nop,ws:df,id+:0')`.
 * @throws RuleSyntaxError that points at what is wrong
 */
export const p0f = (signature: string): Condition =>
  new Condition({ kind: 'p0f', signature: parseSignature(signature) })

/** Reads `("…")` behind the word `p0f`. */
export function readP0f(cursor: Cursor, first: Token): Expr {
  cursor.expect('(')
  const token = cursor.token
  if (token.kind !== 'string') cursor.fail('a p0f signature in double quotes')
  cursor.take()
  const signature = parseSignature(token.text.slice(1, -1), cursor.source, token.offset + 1)
  cursor.expect(')')
  return cursor.mark({ kind: 'p0f', signature }, first)
}
