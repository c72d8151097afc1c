import type { z } from 'zod'
import { type At, refuse, refuseUnknownKeys } from '../entry/schema.ts'
import type { Expr, Rule } from '../rules/ast.ts'
import { ruleSetProblems } from '../rules/check-rule.ts'
import { RuleError } from '../rules/errors.ts'
import { formatExpr, formatRuleBody } from '../rules/print.ts'
import { derivedId, idPattern } from '../rules/rule-defaults.ts'
import { parseRule } from '../rules/rule-text.ts'
import { closest } from '../rules/suggest.ts'

/** Text such as `udp.srcport == 53`, or an expression made by the builder. */
export type ExprConfig = string | Expr

/** A rule as an object: the action's name holds the expression. */
export type RuleObject = { readonly id?: string } & (
  | { readonly drop: ExprConfig }
  | { readonly pass: ExprConfig }
  | { readonly count: ExprConfig }
  /** `rate` such as `1k/s`, `burst` in packets, `per` such as `ip.src/24`; the whole rule if `per` is absent. */
  | { readonly limit: ExprConfig; readonly rate: string; readonly burst?: number | string; readonly per?: string }
  /** `every` such as `1/100`. */
  | { readonly sample: ExprConfig; readonly every: string | number }
)

/** Whole text such as `drop if udp.srcport == 53`, an object, or a rule made by the builder. */
export type RuleConfig = string | RuleObject | Rule

const actions = ['drop', 'pass', 'count', 'limit', 'sample'] as const
type ActionName = (typeof actions)[number]

const more: Readonly<Record<ActionName, readonly string[]>> = {
  drop: [],
  pass: [],
  count: [],
  limit: ['rate', 'burst', 'per'],
  sample: ['every'],
}

const WANTED = `a rule: text such as "drop if udp.srcport == 53", or an object with one of ${actions.join(', ')}`

/** Reads the rules of a configuration, each in any of its forms. */
export class RuleReader {
  readonly #context: z.RefinementCtx
  readonly #sets: readonly string[]

  /** `sets`: names that rules may use. */
  constructor(context: z.RefinementCtx, sets: readonly string[]) {
    this.#context = context
    this.#sets = sets
  }

  /** The rule, with an empty id if it was given none; undefined, and an issue added, if it cannot be read. */
  read(item: unknown, at: At): Rule | undefined {
    if (typeof item === 'string') return this.#text(item, at, 0)
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return this.#refuse(at, WANTED)
    if ('action' in item && 'when' in item) return this.#built(item as Rule, at)
    const named = actions.filter((action) => action in item)
    if (named.length === 1) return this.#object(item as Record<string, unknown>, named[0]!, at)
    const remedy = named.length === 0 ? meantAction(item) : `make ${named.length} rules of it`
    return this.#refuse(at, WANTED, remedy === undefined ? {} : { remedy })
  }

  #refuse(at: At, wanted: string, params: Parameters<typeof refuse>[3] = {}): undefined {
    refuse(this.#context, at, wanted, params)
  }

  #built(rule: Rule, at: At): Rule | undefined {
    const [problem] = ruleSetProblems({ rules: [rule] }, { sets: this.#sets })
    if (problem === undefined) return unnamed(rule)
    return this.#ruleError(problem.error, at, 0)
  }

  #object(item: Record<string, unknown>, action: ActionName, at: At): Rule | undefined {
    refuseUnknownKeys(this.#context, item, ['id', action, ...more[action]], at)
    const id = this.#id(item.id, at)
    const head = this.#head(item, action, at)
    const expr = this.#expr(item[action], [...at, action])
    if (expr === undefined) return undefined
    const prefix = `${head ?? 'drop'} if `
    const rule = this.#text(prefix + expr, [...at, action], prefix.length)
    return rule === undefined || id === undefined || head === undefined ? undefined : { ...rule, id }
  }

  #id(id: unknown, at: At): string | undefined {
    if (id === undefined) return ''
    if (typeof id === 'string' && idPattern.test(id)) return id
    return this.#refuse([...at, 'id'], 'a name of letters, digits, ".", "_" and "-", at most 63 characters')
  }

  #expr(value: unknown, at: At): string | undefined {
    if (typeof value === 'string') return value
    if (typeof value === 'object' && value !== null && 'kind' in value) return formatExpr(value as Expr)
    return this.#refuse(at, 'an expression such as "udp.srcport == 53"')
  }

  /** The text of a rule before its `if`. */
  #head(item: Record<string, unknown>, action: ActionName, at: At): string | undefined {
    if (action === 'sample') return this.#sample(item.every, at)
    if (action !== 'limit') return action
    const rate = this.#word(item.rate, [...at, 'rate'], 'a rate such as "1k/s"', 'limit ')
    const burst = this.#optional(
      item.burst,
      [...at, 'burst'],
      'a number of packets such as 100 or "2k"',
      'limit 1/s burst ',
    )
    const per = this.#optional(item.per, [...at, 'per'], 'what to count apart, such as "ip.src/24"', 'limit 1/s per ')
    if (rate === undefined || burst === undefined || per === undefined) return undefined
    return `limit ${rate}${burst === '' ? '' : ` burst ${burst}`}${per === '' ? '' : ` per ${per}`}`
  }

  #sample(every: unknown, at: At): string | undefined {
    const text = typeof every === 'number' ? `1/${every}` : every
    const word = this.#word(text, [...at, 'every'], 'a share of packets such as "1/100"', 'sample ')
    return word === undefined ? undefined : `sample ${word}`
  }

  #optional(value: unknown, at: At, wanted: string, before: string): string | undefined {
    return value === undefined ? '' : this.#word(value, at, wanted, before)
  }

  /** A part of an action, tried in the shortest rule that has it: the language's own parser judges it. */
  #word(value: unknown, at: At, wanted: string, before: string): string | undefined {
    if (typeof value !== 'string' && typeof value !== 'number') return this.#refuse(at, wanted)
    try {
      parseRule(`${before}${value} if ip`)
      return String(value)
    } catch (error) {
      if (!(error instanceof RuleError)) throw error
      return this.#refuse(at, wanted, { remedy: error.suggestion ?? lowerFirst(error.summary) })
    }
  }

  /** Reads a rule's text, of which the first `skip` characters are not the user's. */
  #text(text: string, at: At, skip: number): Rule | undefined {
    try {
      return unnamed(parseRule(text, { sets: this.#sets }))
    } catch (error) {
      if (!(error instanceof RuleError)) throw error
      return this.#ruleError(error, at, skip)
    }
  }

  #ruleError(error: RuleError, at: At, skip: number): undefined {
    const offset = error.line === 1 && error.column !== undefined ? Math.max(0, error.column - 1 - skip) : undefined
    return this.#refuse(at, `a rule that can be read: ${lowerFirst(error.summary)}`, {
      ...(error.suggestion === undefined ? {} : { remedy: error.suggestion }),
      ...(offset === undefined ? {} : { offset }),
    })
  }
}

function meantAction(item: object): string | undefined {
  const meant = Object.keys(item).flatMap((key) => closest(key, actions) ?? [])[0]
  return meant === undefined ? undefined : `did you mean "${meant}"?`
}

/** A rule whose id was only derived loses it: two equal rules must not have the same. */
function unnamed(rule: Rule): Rule {
  return rule.id === derivedId(rule.action.kind, formatRuleBody(rule)) ? { ...rule, id: '' } : rule
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
