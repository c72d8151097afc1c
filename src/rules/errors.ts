/** Stable codes of rule errors. */
export const ruleErrorCodes = {
  syntax: 'RULE_SYNTAX',
  unknownField: 'RULE_UNKNOWN_FIELD',
  unknownSet: 'RULE_UNKNOWN_SET',
  type: 'RULE_TYPE',
  range: 'RULE_RANGE',
  limit: 'RULE_LIMIT',
  duplicate: 'RULE_DUPLICATE_ID',
  pcap: 'RULE_PCAP',
  library: 'RULE_LIBRARY',
} as const

export type RuleErrorCode = (typeof ruleErrorCodes)[keyof typeof ruleErrorCodes]

/** A stretch of a rule's text: offset and length in UTF-16 units. */
export interface Span {
  readonly offset: number
  readonly length: number
}

export interface RuleProblem {
  readonly code: RuleErrorCode
  /** Action, value found, wanted; without place. */
  readonly summary: string
  /** What to write instead. */
  readonly suggestion?: string | undefined
}

/** Common parent of all errors about rules. `message` has the place, the line and a caret if the rule came from text. */
export class RuleError extends Error {
  readonly code: RuleErrorCode
  readonly summary: string
  readonly suggestion: string | undefined
  /** Place in the text, line and column from 1; undefined for a rule that was built. */
  readonly line: number | undefined
  readonly column: number | undefined
  readonly length: number | undefined

  constructor(problem: RuleProblem, source?: string, span?: Span, options?: ErrorOptions) {
    const place = source !== undefined && span ? locate(source, span) : undefined
    super(describe(problem, place), options)
    this.name = new.target.name
    this.code = problem.code
    this.summary = problem.summary
    this.suggestion = problem.suggestion
    this.line = place?.line
    this.column = place?.column
    this.length = place?.length
  }
}

/** The text is not of the language. */
export class RuleSyntaxError extends RuleError {}

/** The text is of the language, but asks for something that cannot be: wrong type, out of range, unknown set. */
export class RuleTypeError extends RuleError {}

interface Place {
  readonly line: number
  readonly column: number
  readonly length: number
  readonly text: string
}

function locate(source: string, span: Span): Place {
  const before = source.slice(0, span.offset)
  const start = before.lastIndexOf('\n') + 1
  const stop = source.indexOf('\n', span.offset)
  const text = source.slice(start, stop < 0 ? undefined : stop)
  const column = span.offset - start + 1
  const length = Math.max(1, Math.min(span.length, text.length - column + 1))
  return { line: before.split('\n').length, column, length, text }
}

function describe(problem: RuleProblem, place: Place | undefined): string {
  const advice = problem.suggestion === undefined ? '' : ` (${problem.suggestion})`
  if (!place) return problem.summary + advice
  const indent = place.text.slice(0, place.column - 1).replaceAll(/[^\t]/g, ' ')
  const where = `line ${place.line}, column ${place.column}`
  return `${problem.summary}${advice}, at ${where}\n  ${place.text}\n  ${indent}${'^'.repeat(place.length)}`
}
