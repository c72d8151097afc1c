import { BpfError } from '../../bpf/errors.ts'
import type { Expr } from '../ast.ts'
import { Condition } from '../condition.ts'
import type { Cursor } from '../cursor.ts'
import { RuleSyntaxError, RuleTypeError, ruleErrorCodes, type Span } from '../errors.ts'
import type { Token } from '../lexer.ts'
import { unquote } from '../values.ts'
import { compilePcap } from './compile-pcap.ts'
import { ClassicError } from './error.ts'
import type { ClassicProgram } from './operation.ts'

/**
 * Holds if a tcpdump expression does, such as `pcap('tcp[13] & 2 != 0 and len > 60')`; docs/rules.md says what it sees.
 * @throws RuleSyntaxError with the words of libpcap, RuleTypeError if libpcap is not installed
 */
export const pcap = (text: string): Condition => new Condition({ kind: 'pcap', text, program: compileText(text) })

/** Reads `("…")` behind the word `pcap`. */
export function readPcap(cursor: Cursor, first: Token): Expr {
  cursor.expect('(')
  const token = cursor.token
  if (token.kind !== 'string') cursor.fail('a tcpdump expression in double quotes')
  cursor.take()
  cursor.expect(')')
  const text = new TextDecoder().decode(unquote(token.text))
  return cursor.mark({ kind: 'pcap', text, program: compileText(text, cursor.source, token) }, first)
}

function compileText(text: string, source?: string, token?: Token): ClassicProgram {
  try {
    return compilePcap(text)
  } catch (cause) {
    if (cause instanceof BpfError && cause.code === 'BPF_LIBRARY')
      throw new RuleTypeError({ code: ruleErrorCodes.library, summary: cause.message }, source, token, { cause })
    if (!(cause instanceof BpfError || cause instanceof ClassicError)) throw cause
    const { suggestion, at } = cause instanceof ClassicError ? cause : { suggestion: undefined, at: undefined }
    const span = at && token ? placeOf(at, text, token) : token
    const { message: summary } = cause
    throw new RuleSyntaxError({ code: ruleErrorCodes.pcap, summary, suggestion }, source, span, { cause })
  }
}

/** The stretch of the text that is wrong, unless escapes have moved it. */
function placeOf(at: Span, text: string, token: Token): Span {
  if (token.text.slice(1, -1) !== text) return token
  return { offset: token.offset + 1 + at.offset, length: at.length }
}
