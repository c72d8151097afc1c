import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { findTestFiles } from '../../tools/testing/test-files.ts'
import { describeSelection, readSelection, type Selection, selectFiles } from './selection.ts'

const selection: Selection = {
  amounts: { SEAWALL_PAIRS: ['7', 'pairs, of 100'] },
  leftOut: {
    'tests/kernel/slow.test.ts': { with: '--all', because: 'it is slow' },
    'tests/kernel/fast.test.ts': { with: 'never', because: 'it needs speed' },
  },
}
const files = ['src/a.test.ts', 'tests/kernel/a.test.ts', 'tests/kernel/fast.test.ts', 'tests/kernel/slow.test.ts']
const select = (all: boolean, ...filters: string[]) => selectFiles(files, selection, { all, filters })

test('selectFiles() leaves out what the data file says, and --all only what can never run', () => {
  assert.deepEqual(select(false), ['tests/kernel/a.test.ts'])
  assert.deepEqual(select(true), ['tests/kernel/a.test.ts', 'tests/kernel/slow.test.ts'])
})

test('selectFiles() runs what a filter names, unless it can never run', () => {
  assert.deepEqual(select(false, 'slow', 'fast', 'src/'), ['tests/kernel/slow.test.ts'])
})

test('describeSelection() gives each amount and each file with its reason', () => {
  assert.equal(
    describeSelection(selection),
    `Smaller than with \`npm test\`:

- \`SEAWALL_PAIRS=7\`: pairs, of 100.

Left out:

- \`tests/kernel/slow.test.ts\` (without \`--all\`): it is slow.
- \`tests/kernel/fast.test.ts\`: it needs speed.`,
  )
})

test('readSelection() names test files that there are, and amounts that some test reads', () => {
  const { amounts, leftOut } = readSelection()
  for (const [file, { with: how, because }] of Object.entries(leftOut))
    assert.ok(existsSync(file) && ['never', '--all'].includes(how) && because.length > 10, file)
  const tests = findTestFiles('tests/kernel').map((file) => readFileSync(`tests/kernel/${file}`, 'utf8'))
  for (const name of Object.keys(amounts))
    assert.ok(
      tests.some((text) => text.includes(`process.env.${name}`)),
      name,
    )
  assert.ok(selectFiles(findTestFiles('.'), readSelection(), { all: false, filters: [] }).length > 30)
})

test('docs/kernels.md shows what the data file says', () => {
  assert.ok(readFileSync('docs/kernels.md', 'utf8').includes(describeSelection(readSelection())))
})
