import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { CommanderError } from 'commander'
import { type ErrorBody, errorBody, INTERNAL } from '../agent/api/error-body.ts'
import type { ConfigIssue } from '../config/index.ts'
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.ts'
import { plural } from './format/numbers.ts'
import type { Session } from './session.ts'

/** Prints an error once, the way its kind is read best, and returns the exit code that it stands for. */
export function reportError(session: Session, error: unknown): ExitCode {
  const body = error instanceof CommanderError ? commandLineError(error) : errorBody(error)
  const exitCode = exitCodeFor(body)
  if (session.json) session.result({ error: body, exitCode }, () => '')
  else session.env.stderr.write(describe(session, body, error))
  return exitCode
}

/** The error's own code says more than the system's. */
function exitCodeFor(body: ErrorBody): ExitCode {
  const exitCode = exitCodeOf(body.code)
  return exitCode === exitCodes.failed && body.errno !== undefined ? exitCodeOf(body.errno) : exitCode
}

/** commander says `error: unknown option '--fro'` and, on a line of its own, `(Did you mean --for?)`. */
function commandLineError(error: CommanderError): ErrorBody {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const hint = rest.join(' ').replace(/^\(Did you mean (.*)\?\)$/, '(did you mean $1?)')
  const message = `Cannot read the command line: ${first.replaceAll("'", '"')}${hint === '' ? ' (see --help)' : ` ${hint}`}`
  return { name: 'CommandLineError', code: 'SEAWALL_INPUT', message }
}

function describe(session: Session, body: ErrorBody, error: unknown): string {
  const label = session.colors.red('error:')
  const text = body.issues === undefined ? plainError(body, session) : issuesError(session, body.issues)
  const unexpected = body.code === INTERNAL && !session.debug ? '\n(use --debug for the stack trace)' : ''
  const debug = session.debug ? `\n\n${stackOf(error)}` : ''
  return `${label} ${text}${unexpected}${debug}\n`
}

/** A verifier's log is shown only when asked for: it is long, and its summary says the essential. */
function plainError(body: ErrorBody, { debug }: Session): string {
  if (body.log === undefined || body.log.length === 0) return body.message
  const log = debug
    ? `\n\n${body.log.join('\n')}`
    : `\n(the log of the verifier has ${plural(body.log.length, 'line')}: use --debug)`
  return body.message + log
}

function issuesError(session: Session, issues: readonly ConfigIssue[]): string {
  const files = [...new Set(issues.map((issue) => issue.file))].map((file) => shortPath(session, file))
  const blocks = issues.map((issue) => describeIssue(session, issue))
  return `${plural(issues.length, 'problem')} in ${files.join(', ')}\n\n${blocks.join('\n\n')}`
}

function describeIssue(session: Session, issue: ConfigIssue): string {
  const { bold, dim } = session.colors
  const place = [shortPath(session, issue.file), issue.line, issue.column]
    .filter((part) => part !== undefined)
    .join(':')
  const lines = [`  ${bold(place)}${issue.path === '' ? '' : `  ${issue.path}`}`]
  const line = issue.line === undefined ? undefined : readLine(issue.file, issue.line)
  if (line !== undefined && issue.line !== undefined) lines.push(...excerpt(line, issue.line, issue.column).map(dim))
  lines.push(indent(`found ${issue.found}`), indent(`wanted ${issue.wanted}`))
  if (issue.remedy !== undefined) lines.push(indent(`(${issue.remedy})`))
  return lines.join('\n')
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')
}

/** The line of the file with its number, and a caret under the column. */
function excerpt(text: string, line: number, column: number | undefined): string[] {
  const margin = `    ${line} | `
  if (column === undefined) return [margin + text]
  const before = text.slice(0, column - 1).replaceAll(/[^\t]/g, ' ')
  return [margin + text, `${' '.repeat(margin.length)}${before}^`]
}

function readLine(file: string, line: number): string | undefined {
  try {
    return readFileSync(file, 'utf8').split('\n')[line - 1]?.slice(0, 200)
  } catch {
    return undefined
  }
}

/** Relative to the present folder if the file lies below it. */
function shortPath({ env }: Session, file: string): string {
  const path = relative(env.cwd, file)
  return path.startsWith('..') || path === '' ? file : path
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}
