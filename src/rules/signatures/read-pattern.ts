import type { Expr, FieldRef } from '../ast.ts'
import type { Cursor } from '../cursor.ts'
import { RuleTypeError, ruleErrorCodes } from '../errors.ts'
import { fields } from '../fields.ts'
import type { Token } from '../lexer.ts'
import { attempt, refuseUnicode, unquote } from '../values.ts'
import { patternOf, type WrittenLabel } from './name-pattern.ts'

/** Reads the pattern behind `matches`. */
export function readMatches(cursor: Cursor, first: Token, field: FieldRef): Expr {
  if (fields[field.name].type.kind !== 'name') refuseField(cursor, first, field)
  const token = cursor.token
  if (token.kind !== 'string') cursor.fail('a pattern of names in double quotes', 'such as "*.example.com"')
  cursor.take()
  const pattern = patternOf(writtenLabels(cursor.source, token), cursor.source)
  return cursor.mark({ kind: 'matches', field, pattern }, first)
}

function refuseField(cursor: Cursor, first: Token, { name }: FieldRef): never {
  const suggestion = fields[name].type.kind === 'bytes' ? `write "${name} contains …"` : undefined
  const summary = `Cannot match "${name}": "matches" is for names`
  throw new RuleTypeError({ code: ruleErrorCodes.type, summary, suggestion }, cursor.source, cursor.spanFrom(first))
}

function writtenLabels(source: string, token: Token): WrittenLabel[] {
  let offset = token.offset + 1
  return token.text
    .slice(1, -1)
    .split('.')
    .map((written) => {
      const span = { offset, length: Math.max(1, written.length) }
      offset += written.length + 1
      attempt(() => refuseUnicode(written), source, span)
      return { text: String.fromCharCode(...unquote(`"${written}"`)), span }
    })
}
