import { concat, set16 } from '../bytes.ts'
import { encodeName } from '../dns-name.ts'
import type { Layer } from './layer.ts'

export interface DnsOptions {
  readonly id?: number
  /** The whole flags word; 0x0100 (recursion desired) by default. */
  readonly flags?: number
  readonly questions?: readonly { readonly name: string; readonly type?: number; readonly class?: number }[]
  /** The counts of questions and answers, if they should not be the true ones. */
  readonly questionCount?: number
  readonly answerCount?: number
}

/** A DNS message without answers. */
export function dns(options: DnsOptions = {}): Layer {
  return {
    write: (payload) => {
      const questions = (options.questions ?? []).map((question) => {
        const tail = new Uint8Array(4)
        set16(tail, 0, question.type ?? 1)
        set16(tail, 2, question.class ?? 1)
        return concat(encodeName(question.name), tail)
      })
      const header = new Uint8Array(12)
      set16(header, 0, options.id ?? 0)
      set16(header, 2, options.flags ?? 0x0100)
      set16(header, 4, options.questionCount ?? questions.length)
      set16(header, 6, options.answerCount ?? 0)
      return concat(header, ...questions, payload)
    },
  }
}
