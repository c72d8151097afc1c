import type { Expr, Rule } from '../rules/ast.ts'
import { formatExpr } from '../rules/print.ts'

export interface Unreachable {
  readonly rule: string
  /** Rules before it, of which one decides whatever it matches. */
  readonly after: readonly string[]
}

/** Conditions that all must hold, as canonical text. */
type Conjunction = ReadonlySet<string>

/**
 * Rules that can never match, as earlier ones that always decide match whatever they do. It finds what can be told from the shape of the
 * expressions alone: an equal one, one that asks for less, one that matches all. A rule that is not named may still never match.
 */
export function unreachableRules(rules: readonly Rule[]): Unreachable[] {
  const deciders = new Deciders()
  return rules.flatMap((rule) => {
    const ways = waysOf(rule.when)
    const after = ways.map((way) => deciders.find(way))
    // A rule for a while leaves again what it decides now.
    if (rule.until === undefined && (rule.action.kind === 'drop' || rule.action.kind === 'pass')) {
      for (const way of ways) deciders.add(way, rule.id)
    }
    const isCovered = (ids: readonly (string | undefined)[]): ids is string[] => !ids.includes(undefined)
    return ways.length > 0 && isCovered(after) ? [{ rule: rule.id, after: [...new Set(after)] }] : []
  })
}

interface Decider {
  readonly way: Conjunction
  readonly id: string
}

/** What decides already, found by one of its conditions, so that the time grows with the rules and not with their pairs. */
class Deciders {
  readonly #byCondition = new Map<string, Decider[]>()
  #all: string | undefined

  add(way: Conjunction, id: string): void {
    if (way.size === 0) this.#all ??= id
    const lists = [...way].map((condition) => this.#listOf(condition))
    // The rarest condition: many rules begin with the same one.
    lists.sort((a, b) => a.length - b.length)[0]?.push({ way, id })
  }

  /** A rule that matches whatever holds all these conditions. */
  find(way: Conjunction): string | undefined {
    if (this.#all !== undefined) return this.#all
    for (const condition of way) {
      const known = this.#byCondition.get(condition)?.find((one) => [...one.way].every((text) => way.has(text)))
      if (known !== undefined) return known.id
    }
    return undefined
  }

  #listOf(condition: string): Decider[] {
    const list = this.#byCondition.get(condition) ?? []
    this.#byCondition.set(condition, list)
    return list
  }
}

/** The ways in which an expression can be true, none if it never is. */
function waysOf(when: Expr): Conjunction[] {
  if (when.kind === 'or') return when.terms.flatMap(waysOf)
  const conditions = conditionsOf(when)
  return conditions === undefined ? [] : [new Set(conditions)]
}

/** Undefined for what is never true. */
function conditionsOf(expr: Expr): string[] | undefined {
  if (expr.kind === 'literal') return expr.value ? [] : undefined
  if (expr.kind !== 'and') return [formatExpr(expr)]
  const parts = expr.terms.map(conditionsOf)
  return parts.includes(undefined) ? undefined : parts.flatMap((part) => part ?? [])
}
