import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkFunctions } from './check-functions.ts'
import { temporaryTree } from './temporary-tree.ts'

const body = (lines: number): string => '  x()\n'.repeat(lines - 2)

test('checkFunctions names a function of more than 60 lines, and no shorter one', () => {
  const root = temporaryTree({
    'src/a.ts': `function good() {\n${body(60)}}\n\nconst bad = () => {\n${body(61)}}\n`,
    'src/b.ts': `class B {\n  method() {\n${body(62)}}\n}\n`,
    'src/c.test.ts': `describe('c', () => {\n${body(100)}})\ntest('d', () => {\n${body(63)}})\n`,
    'src/generated/c.ts': `function long() {\n${body(100)}}\n`,
  })
  assert.deepEqual(checkFunctions(root), [
    'src/a.ts:62: a function of 61 lines (at most 60)',
    'src/b.ts:2: a function of 62 lines (at most 60)',
    'src/c.test.ts:101: a function of 63 lines (at most 60)',
  ])
})
