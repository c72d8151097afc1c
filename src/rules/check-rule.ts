/** Checks of whole rules and rule sets. */
import type { Action, LimitKey, Rule, RuleSet } from './ast.ts'
import { checkExpr } from './check.ts'
import { RuleError, RuleTypeError, ruleErrorCodes, type Span } from './errors.ts'
import { idPattern, perUnit } from './rule-defaults.ts'

/** Highest rate of a limit, packets a second, and highest burst. */
export const MAX_RATE = 1e9
/** Longest time in seconds that a limit may take to forget a full burst: a week. */
export const MAX_REFILL = 604_800
/** Highest N of `sample 1/N`. */
export const MAX_SAMPLE = 1e9

interface Source {
  readonly source: string
  readonly span: Span
}

export interface CheckRuleOptions {
  /** Names of the sets that exist. Without it, any name is taken. */
  readonly sets?: Iterable<string>
}

/**
 * Checks rules that did not come from the parser, or not all from one text.
 * @throws RuleTypeError for the first thing wrong; {@link ruleSetProblems} finds all
 */
export function checkRuleSet(ruleSet: Pick<RuleSet, 'rules'>, options: CheckRuleOptions = {}): void {
  const [first] = ruleSetProblems(ruleSet, options)
  if (first) throw first.error
}

/** A problem of a rule set: the error, and the rule's place from 0. */
export interface RuleSetProblem {
  readonly index: number
  readonly error: RuleError
}

/** The first problem of each rule, in order; empty if all is well. */
export function ruleSetProblems(ruleSet: Pick<RuleSet, 'rules'>, options: CheckRuleOptions = {}): RuleSetProblem[] {
  const sets = options.sets === undefined ? undefined : new Set(options.sets)
  const ids = new Set<string>()
  return ruleSet.rules.flatMap((rule, index) => {
    try {
      checkId(rule.id, ids)
      checkAction(rule.action)
      checkExpr(rule.when, sets ? { sets } : {})
      return []
    } catch (error) {
      if (!(error instanceof RuleError)) throw error
      return [{ index, error: inRule(rule, error) }]
    }
  })
}

function inRule(rule: Rule, error: RuleError): RuleError {
  const { code, summary, suggestion } = error
  return new RuleTypeError({ code, summary: `Rule "${rule.id}": ${summary}`, suggestion }, undefined, undefined, {
    cause: error,
  })
}

function checkId(id: string, ids: Set<string>): void {
  if (!idPattern.test(id)) {
    fail('type', `The id "${id}" is not a name, wanted a letter or digit and then letters, digits, "_", "." or "-"`)
  }
  if (ids.has(id)) fail('duplicate', `Two rules have the id "${id}", wanted every id once`)
  ids.add(id)
}

/**
 * Checks the numbers of an action.
 * @throws RuleTypeError
 */
export function checkAction(action: Action, at?: Source): void {
  if (action.kind === 'sample') checkWhole(action.every, 'sample 1/N: N', MAX_SAMPLE, at)
  if (action.kind !== 'limit') return
  if (!(action.rate > 0) || action.rate > MAX_RATE || !perUnit(action.rate)) {
    const wanted = `wanted a whole number a second, minute or hour, at most ${MAX_RATE}/s`
    fail('limit', `The rate ${action.rate}/s cannot be kept: ${wanted}`, at)
  }
  checkWhole(action.burst, 'burst', MAX_RATE, at)
  const refill = action.burst / action.rate
  if (refill > MAX_REFILL) {
    fail('limit', `A burst of ${action.burst} takes ${Math.round(refill)} s to come back, wanted at most a week`, at)
  }
  checkKey(action.per, at)
}

function checkKey(key: LimitKey, at: Source | undefined): void {
  if (key.kind === 'rule') return
  const fields = [...key.parts.map((part) => part.field), ...(key.ports ?? [])]
  if (fields.length === 0 || new Set(fields).size !== fields.length) {
    fail('limit', 'The key of a limit names an address or port twice, or nothing, wanted each once', at)
  }
  for (const { field, bits4, bits6 } of key.parts) {
    if (!isWhole(bits4, 0, 32)) fail('limit', `${field}/${bits4} is no IPv4 prefix length, wanted 0 to 32`, at)
    if (!isWhole(bits6, 0, 128))
      fail('limit', `${field}/${bits4}/${bits6} is no IPv6 prefix length, wanted 0 to 128`, at)
  }
}

function checkWhole(value: number, what: string, max: number, at: Source | undefined): void {
  if (!isWhole(value, 1, max)) fail('limit', `The ${what} is ${value}, wanted a whole number from 1 to ${max}`, at)
}

const isWhole = (value: number, from: number, to: number): boolean =>
  Number.isInteger(value) && value >= from && value <= to

function fail(code: keyof typeof ruleErrorCodes, summary: string, at?: Source): never {
  throw new RuleTypeError({ code: ruleErrorCodes[code], summary }, at?.source, at?.span)
}
