import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findFiles } from '../../tools/find-files.ts'
import { programsAmong } from './snapshot.ts'

test('programsAmong() finds what tests start as processes, and nothing that is only imported', () => {
  const programs = programsAmong(findFiles('.', (file) => file.endsWith('.ts') && !file.endsWith('.d.ts')))
  for (const file of [
    'src/cli/main.ts',
    'lab/flood/sender.ts',
    'lab/talk/server.ts',
    'tests/kernel/firewall-child.ts',
    'tests/kernel/limits.test.ts',
    'tests/support/hammer.ts',
    'tests/vm/guest/main.ts',
    'tools/test.ts',
  ])
    assert.ok(programs.includes(file), file)
  for (const file of ['src/cli/run.ts', 'src/net/address.ts', 'src/rules/lexer.test.ts', 'tests/support/wire.ts'])
    assert.ok(!programs.includes(file), file)
  assert.deepEqual(
    programs.filter((file) => file.includes('/generated/')),
    [],
  )
})
