import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { start } from '../src/linux/process.ts'
import { untilReady } from './ready.ts'

const shell = (script: string) => start('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'pipe'] })

test('untilReady() returns when a process has said something', async () => {
  const child = shell('echo ready; read -r line')
  await untilReady(child)
  assert.equal(child.exitCode, null)
  child.stdin!.end('\n')
  await once(child, 'exit')
})

test('untilReady() rejects with what a process said that ends before, or cannot be started', async () => {
  await assert.rejects(untilReady(shell('echo no room >&2; exit 3')), {
    message: 'Cannot start "sh": it ended with 3: no room',
  })
  await assert.rejects(untilReady(shell('kill -KILL $$')), /it ended with SIGKILL/)
  await assert.rejects(untilReady(start('no-such-program', [])), /ENOENT/)
})
