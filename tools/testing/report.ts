import pc from 'picocolors'
import type { TestResult } from './reporter.ts'
import type { FileResult } from './run-file.ts'

/** How many tests ended how. */
export interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** Counts tests by outcome. */
export function totalsOf(tests: readonly TestResult[]): Totals {
  const count = (outcome: TestResult['outcome']): number => tests.filter((test) => test.outcome === outcome).length
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') }
}

/** `3 passed, 0 failed, 1 skipped`: the last line of a run. */
export function formatTotals({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

/** The failed tests of a whole run again, in full: the end of a log is what is kept of it. */
export function formatFailed(results: readonly FileResult[]): string {
  return results
    .filter(({ tests }) => totalsOf(tests).failed > 0)
    .map(formatFile)
    .join('\n')
}

/** A line for a file that passed; each failure in full, and what the process printed, for one that did not. */
export function formatFile(result: FileResult): string {
  const { passed, failed, skipped } = totalsOf(result.tests)
  const counts = [
    `${passed} passed`,
    ...(failed ? [`${failed} failed`] : []),
    ...(skipped ? [`${skipped} skipped`] : []),
  ]
  const head = `${failed ? pc.red('✗') : pc.green('✓')} ${result.file} ${pc.dim(`(${counts.join(', ')}, ${result.seconds.toFixed(1)} s)`)}`
  const skips = result.tests.filter((test) => test.outcome === 'skipped').map(formatSkip)
  if (failed === 0) return [head, ...skips].join('\n')
  const failures = result.tests.filter((test) => test.outcome === 'failed').map(formatFailure)
  return [head, ...skips, ...failures, ...(result.output.trim() ? [indent(result.output.trimEnd())] : [])].join('\n')
}

function formatSkip(test: TestResult): string {
  return pc.yellow(`  - ${test.name}: skipped${test.detail ? ` (${test.detail})` : ''}`)
}

function formatFailure(test: TestResult): string {
  return `${pc.red(`  ✗ ${test.name}`)}\n${indent(test.detail ?? '')}`
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ')
}
