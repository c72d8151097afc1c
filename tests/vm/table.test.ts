import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { features } from './features.ts'
import { readKernels, releaseOf } from './kernels.ts'
import type { Report } from './report.ts'
import { featureTable, formatMarkdown, formatText, readBlock, replaceBlock, testLine } from './table.ts'

const passed = { name: 'a', nesting: 0, outcome: 'passed' } as const

const reports: readonly Report[] = [
  {
    release: '6.1.0-1',
    features: { one: false },
    files: [{ kind: 'file', file: 'a', seconds: 1, tests: [passed] }],
    status: 0,
  },
  { release: '6.18.0', features: { one: true }, files: [], status: 0 },
  { release: '', features: {}, files: [], status: undefined },
]

test('featureTable() says for each feature which kernel has it', () => {
  assert.deepEqual(featureTable(reports, { one: { title: 'the first', minimumKernel: '6.6', present: () => true } }), [
    ['feature', '', 'since Linux', '6.1.0-1', '6.18.0', 'did not start'],
    ['`one`', 'the first', '6.6', 'no', 'yes', '?'],
  ])
})

test('testLine() counts the tests of each kernel', () => {
  assert.deepEqual(testLine(reports), ['tests passed, failed, skipped', '', '', '1, 0, 0', 'by npm test', '?'])
})

test('formatMarkdown() makes a table, formatText() columns', () => {
  assert.equal(
    formatMarkdown([
      ['a', 'b'],
      ['c', 'd'],
    ]),
    '| a | b |\n|---|---|\n| c | d |',
  )
  assert.equal(
    formatText([
      ['a', 'b'],
      ['long', ''],
    ]),
    'a     b\nlong',
  )
})

test('replaceBlock() changes what is between the marks, and nothing else', () => {
  const before = readFileSync('docs/kernels.md', 'utf8')
  const after = replaceBlock(before, '| new |')
  assert.equal(readBlock(after), '| new |')
  assert.notEqual(after, before)
  assert.equal(replaceBlock(after, readBlock(before)), before)
  assert.throws(() => replaceBlock('nothing', '| new |'), /Cannot find the table/)
})

test('docs/kernels.md has a line for each feature and a column for each kernel, as they are now', () => {
  const [head = '', , ...lines] = readBlock(readFileSync('docs/kernels.md', 'utf8')).split('\n')
  const cells = (line: string): readonly string[] => line.split('|').map((cell) => cell.trim())
  assert.deepEqual(cells(head).slice(4, -2), readKernels().map(releaseOf))
  assert.deepEqual(
    lines.filter((line) => line.startsWith('| ')).map((line) => cells(line).slice(1, 4)),
    Object.entries(features).map(([name, { title, minimumKernel }]) => [`\`${name}\``, title, minimumKernel]),
  )
})
