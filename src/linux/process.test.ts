import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ended, processStart, start, stop } from './process.ts'

test('ended() collects output and exit code', async () => {
  const done = await ended(start('sh', ['-c', 'echo out; echo err >&2; exit 3']))
  assert.deepEqual(done, { code: 3, signal: null, stdout: 'out\n', stderr: 'err\n' })
})

test('ended() rejects with COMMAND_FAILED for a program that does not exist', async () => {
  await assert.rejects(ended(start('no-such-program', [])), { code: 'COMMAND_FAILED' })
})

test('stop() kills a process that ignores SIGTERM', async () => {
  const child = start('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done'])
  await new Promise((resolve) => child.stdout?.once('data', resolve))
  await stop(child, 100)
  assert.equal(child.signalCode, 'SIGKILL')
})

test('processStart() tells a live process from one that is gone', async () => {
  assert.match(processStart(process.pid) ?? '', /^\d+$/)
  const child = start('true', [])
  const { pid } = child
  await ended(child)
  assert.equal(processStart(pid!), undefined)
})
