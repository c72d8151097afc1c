import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseReport, type ReportLine } from './report.ts'

const lines: readonly ReportLine[] = [
  { kind: 'features', release: '6.1.0', features: { one: true } },
  { kind: 'file', file: 'a.test.ts', seconds: 1, tests: [{ name: 'a', nesting: 0, outcome: 'passed' }] },
  { kind: 'end', status: 0 },
]
const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')

test('parseReport() reads features, files and the end', () => {
  assert.deepEqual(parseReport(text), { release: '6.1.0', features: { one: true }, files: [lines[1]], status: 0 })
})

test('parseReport() reads what there is when the machine stopped anywhere', () => {
  for (let length = 0; length < text.length; length++) {
    const { files, status } = parseReport(text.slice(0, length))
    assert.equal(status, undefined)
    assert.ok(files.length <= 1)
  }
  assert.deepEqual(parseReport(''), { release: '', features: {}, files: [], status: undefined })
})
