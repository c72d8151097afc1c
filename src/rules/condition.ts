import type { Expr } from './ast.ts'
import { joinTerms } from './make.ts'

/** An expression that can be joined with others. */
export class Condition {
  readonly expr: Expr

  constructor(expr: Expr) {
    this.expr = expr
  }

  /** Whether this and all others hold. */
  and(...others: readonly Condition[]): Condition {
    return all(this, ...others)
  }

  /** Whether this or one of the others holds. */
  or(...others: readonly Condition[]): Condition {
    return any(this, ...others)
  }

  not(): Condition {
    return not(this)
  }
}

/** Whether all hold. */
export const all = (...conditions: readonly Condition[]): Condition => join('and', conditions)

/** Whether one holds. */
export const any = (...conditions: readonly Condition[]): Condition => join('or', conditions)

/** Whether the condition does not hold. */
export const not = (condition: Condition): Condition => new Condition({ kind: 'not', term: condition.expr })

/** Holds for every packet. */
export const always = new Condition({ kind: 'literal', value: true })

/** Holds for no packet. */
export const never = new Condition({ kind: 'literal', value: false })

const join = (kind: 'and' | 'or', conditions: readonly Condition[]): Condition =>
  new Condition(
    joinTerms(
      kind,
      conditions.map(({ expr }) => expr),
    ),
  )
