/** Patterns of DNS names, such as `*.example.com` and `?.?.example.com`. A pattern is kept as its text, in lower case without a final dot. */
import { lower } from '../../net/dns-name.ts'
import { RuleTypeError, ruleErrorCodes, type Span } from '../errors.ts'

/** One or more labels; only in front. */
const MANY = '*'
/** Any one label. */
const ONE = '?'

/** Labels that a pattern may have beside its `*`: enough for a whole address below ip6.arpa. */
export const MAX_PATTERN_LABELS = 40

const MAX_LABEL = 63
const MAX_NAME = 255

export interface NamePattern {
  /** One or more labels stand before the others. */
  readonly open: boolean
  /** In order, without the root; undefined is any label. One character is one byte. */
  readonly labels: readonly (string | undefined)[]
}

/** The parts of a pattern that {@link patternOf} made. */
export function patternParts(pattern: string): NamePattern {
  const labels = pattern.split('.')
  const open = labels[0] === MANY
  return { open, labels: labels.slice(open ? 1 : 0).map((label) => (label === ONE ? undefined : label)) }
}

/** A label as it was written, and where. */
export interface WrittenLabel {
  readonly text: string
  readonly span?: Span | undefined
}

/**
 * The pattern that labels make, in lower case; an empty last label is the final dot.
 * @throws RuleTypeError that points at the label that cannot be
 */
export function patternOf(written: readonly WrittenLabel[], source?: string): string {
  const labels = written.length > 1 && written.at(-1)!.text === '' ? written.slice(0, -1) : written
  labels.forEach(({ text, span }, i) => {
    const problem = labelProblem(text, i)
    if (!problem) return
    const summary = `Cannot match names: found ${quoted(text)} as label ${i + 1}, wanted ${problem.wanted}`
    throw new RuleTypeError({ code: ruleErrorCodes.type, summary, suggestion: problem.remedy }, source, span)
  })
  checkSize(labels, source)
  return labels.map(({ text }) => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())).join('.')
}

/**
 * The pattern of a text that is not of a rule, such as `*.Example.com.`.
 * @throws RuleTypeError
 */
export function parsePattern(text: string): string {
  if (/^\p{ASCII}*$/u.test(text)) return patternOf(text.split('.').map((label) => ({ text: label })))
  const summary = `Cannot match names: found "${text}", wanted ASCII`
  throw new RuleTypeError({ code: ruleErrorCodes.type, summary, suggestion: 'write the xn-- form of the name' })
}

interface LabelProblem {
  readonly wanted: string
  readonly remedy?: string
}

function labelProblem(text: string, index: number): LabelProblem | undefined {
  if (text === ONE || (text === MANY && index === 0)) return undefined
  if (text === MANY) return { wanted: '"*" only in front', remedy: 'write "?" for any one label' }
  if (/[*?]/.test(text)) return { wanted: 'a label, "?" for any one, or "*" in front for one or more' }
  if (text.length < 1 || text.length > MAX_LABEL) return { wanted: `1 to ${MAX_LABEL} bytes` }
  if (text.includes('.')) return { wanted: 'no dot within a label' }
  return undefined
}

function checkSize(labels: readonly WrittenLabel[], source: string | undefined): void {
  const fail = (found: string, wanted: string): never => {
    const [first, last] = [labels[0]!.span, labels.at(-1)!.span]
    const span = first && last && { offset: first.offset, length: last.offset + last.length - first.offset }
    throw new RuleTypeError(
      { code: ruleErrorCodes.range, summary: `Cannot match names: found ${found}, wanted ${wanted}` },
      source,
      span,
    )
  }
  const count = labels.length - (labels[0]!.text === MANY ? 1 : 0)
  if (count > MAX_PATTERN_LABELS) fail(`${count} labels`, `at most ${MAX_PATTERN_LABELS}`)
  const size = labels.reduce((sum, { text }) => sum + text.length + 1, 1)
  if (size > MAX_NAME) fail(`a name of ${size} bytes or more`, `at most ${MAX_NAME}`)
}

const quoted = (text: string): string => (text === '' ? 'nothing' : `"${text}"`)

/** Whether a name as on the wire, in lower case, is one of the pattern's. */
export function matchesPattern(pattern: string, wire: Uint8Array): boolean {
  const { open, labels } = patternParts(pattern)
  const name = labelsOf(wire)
  const before = name.length - labels.length
  if (open ? before < 1 : before !== 0) return false
  return labels.every((label, i) => label === undefined || label === name[before + i])
}

function labelsOf(wire: Uint8Array): string[] {
  const labels: string[] = []
  for (let at = 0; wire[at]; at += wire[at]! + 1) {
    labels.push(String.fromCharCode(...wire.subarray(at + 1, at + 1 + wire[at]!)))
  }
  return labels
}

/** Labels behind each other as on the wire, in lower case and without the final zero. */
export function encodeLabels(labels: readonly string[]): Uint8Array {
  return Uint8Array.from(
    labels.flatMap((label) => [label.length, ...Array.from(label, (char) => lower(char.charCodeAt(0)))]),
  )
}
