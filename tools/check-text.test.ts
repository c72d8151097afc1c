import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { checkText } from './check-text.ts'
import { temporaryTree } from './temporary-tree.ts'

test('checkText finds what no committed file should hold', () => {
  const root = temporaryTree({
    'a.ts': 'const fine = "/sys/fs/bpf"\n// TODO later\n',
    'b.md': 'see https://registry.npmjs.org/zod\n/home/somebody/seawall\n',
    'c.md': '<<<<<<< HEAD\n=======\n',
    'untracked.md': 'TODO\n',
  })
  execFileSync('git', ['init', '-q'], { cwd: root })
  execFileSync('git', ['add', 'a.ts', 'b.md', 'c.md'], { cwd: root })
  assert.deepEqual(
    checkText(root).map((problem) => problem.split(': ')[0]),
    ['a.ts:2', 'b.md:1', 'b.md:2', 'c.md:1'],
  )
})
