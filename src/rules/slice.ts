import { RuleSyntaxError, ruleErrorCodes } from './errors.ts'
import type { Token } from './lexer.ts'
import type { Slice } from './make.ts'

/**
 * Reads Wireshark's slices: `[offset:length]`, `[:length]`, `[first-last]` and `[offset]`, in bytes.
 * @throws RuleSyntaxError
 */
export function readSlice(source: string, token: Token): Slice {
  const inner = token.text.slice(1, -1).replaceAll(/\s/g, '')
  const sized = /^(\d*):(\d+)$/.exec(inner)
  if (sized) return { offset: Number(sized[1]), length: Number(sized[2]) }
  const bounded = /^(\d+)-(\d+)$/.exec(inner)
  if (bounded) return { offset: Number(bounded[1]), length: Number(bounded[2]) - Number(bounded[1]) + 1 }
  if (/^\d+$/.test(inner)) return { offset: Number(inner), length: 1 }
  const suggestion = /^\d+:$/.test(inner)
    ? `write the length too, such as [${inner}4]`
    : 'write [offset:length], such as [0:4]'
  throw new RuleSyntaxError(
    { code: ruleErrorCodes.syntax, summary: `Cannot read slice "${token.text}"`, suggestion },
    source,
    token,
  )
}
