import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StageFigures } from '../../lab/demo/dispatch/figures.ts'
import { stageNames } from '../../lab/demo/dispatch/timeline.ts'
import { interruptDemo, lastLine, leftBy, runDemo, runPicturedDemo } from '../support/demo.ts'

/** Restarted without generations, to compare. */
const PLAIN = 'plain'

test('demo of dispatch loses no request and no flow while servers restart, and says so in JSON and in a picture', async () => {
  const { code, stdout, stderr, pid, picture } = await runPicturedDemo(
    'dispatch',
    '--json',
    '--seconds',
    '2',
    '--players',
    '400',
  )
  assert.equal(code, 0, `${stdout}\n${stderr}`)
  assert.equal(stdout.includes('\x1b'), false)
  const { stages } = lastLine(stdout) as { stages: StageFigures[] }
  assert.deepEqual(
    stages.map(({ name }) => name),
    [...stageNames],
  )
  for (const { name, web, game, missing, done } of stages.filter((stage) => stage.name !== PLAIN)) {
    assert.deepEqual([web.failed, game.silent, missing], [0, 0, { web: 0, game: 0 }], name)
    assert.deepEqual(Object.keys(game.strangers), done.killed === undefined ? [] : [done.killed.server], name)
  }
  assert.match(picture, /^<svg /)
  assert.deepEqual(leftBy(pid), [])
})

test('demo of dispatch interrupted by Ctrl-C leaves nothing behind', async () => {
  const { code, pid } = await interruptDemo('run 2 is promoted', 'dispatch', '--seconds', '2', '--players', '50')
  assert.equal(code, 130)
  assert.deepEqual(leftBy(pid), [])
})

test('demo of dispatch refuses a number out of range', async () => {
  const { code, stderr } = await runDemo('dispatch', '--players', '9')
  assert.equal(code, 1)
  assert.match(stderr, /--players "9".*50 to 8000/)
})
