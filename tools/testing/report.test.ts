import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { formatFailed, formatFile, formatTotals, totalsOf } from './report.ts'
import type { TestResult } from './reporter.ts'

const tests: TestResult[] = [
  { name: 'one', nesting: 0, outcome: 'passed' },
  { name: 'two', nesting: 0, outcome: 'failed', detail: 'Error: boom\n  at x' },
  { name: 'three', nesting: 0, outcome: 'skipped', detail: 'no kernel' },
]

test('totalsOf and formatTotals count by outcome', () => {
  assert.equal(formatTotals(totalsOf(tests)), '1 passed, 1 failed, 1 skipped')
})

test('formatFile shows failures with what was printed, and skips with their reason', () => {
  const text = stripVTControlCharacters(formatFile({ file: 'a.test.ts', tests, seconds: 1.25, output: 'printed\n' }))
  assert.equal(
    text,
    [
      '✗ a.test.ts (1 passed, 1 failed, 1 skipped, 1.3 s)',
      '  - three: skipped (no kernel)',
      '  ✗ two',
      '    Error: boom',
      '      at x',
      '    printed',
    ].join('\n'),
  )
})

test('formatFile is one line for a file that passed', () => {
  const text = formatFile({ file: 'a.test.ts', tests: tests.slice(0, 1), seconds: 0, output: 'printed' })
  assert.equal(stripVTControlCharacters(text), '✓ a.test.ts (1 passed, 0.0 s)')
})

test('formatFailed shows only files in which a test failed', () => {
  const [failing, passing] = [tests.slice(1, 2), tests.slice(0, 1)].map((tests, index) => {
    return { file: `${index}.test.ts`, tests, seconds: 0, output: '' }
  })
  assert.equal(formatFailed([passing!]), '')
  assert.equal(formatFailed([passing!, failing!]), formatFile(failing!))
})
