import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stagesOf } from './test-files.ts'

const files = [
  'tests/kernel/limits.test.ts',
  'tests/kernel/rules.test.ts',
  'src/rules/a.test.ts',
  'tests/documents/snippets.test.ts',
  'src/net/b.test.ts',
]
const names = (filters: string[]): unknown => stagesOf(files, filters).map((stage) => stage.files)

test('stagesOf puts unit tests first, then the kernel, then what must be alone with it, then the documents', () => {
  assert.deepEqual(names([]), [
    ['src/net/b.test.ts', 'src/rules/a.test.ts'],
    ['tests/kernel/rules.test.ts'],
    ['tests/kernel/limits.test.ts'],
    ['tests/documents/snippets.test.ts'],
  ])
})

test('stagesOf runs several files at once that do not mind, and only unit tests without root', () => {
  assert.deepEqual(
    stagesOf(files, []).map(({ parallel, root }) => [parallel, root]),
    [
      [true, false],
      [true, true],
      [false, true],
      [false, true],
    ],
  )
})

test('stagesOf keeps the files that a filter is part of', () => {
  assert.deepEqual(names(['rules']), [['src/rules/a.test.ts'], ['tests/kernel/rules.test.ts'], [], []])
  assert.deepEqual(names(['absent']), [[], [], [], []])
})

test('stagesOf begins with the files that take longest', () => {
  const [, kernel] = stagesOf(['tests/kernel/bpf.test.ts', 'tests/kernel/rules.test.ts'], [])
  assert.deepEqual(kernel?.files, ['tests/kernel/rules.test.ts', 'tests/kernel/bpf.test.ts'])
})
