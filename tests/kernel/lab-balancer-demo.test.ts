import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StageFigures } from '../../lab/demo/balancer/figures.ts'
import { stageNames } from '../../lab/demo/balancer/timeline.ts'
import { interruptDemo, lastLine, leftBy, runDemo, runPicturedDemo } from '../support/demo.ts'

test('demo of the balancer loses no connection while servers join and leave, and says so in JSON and in a picture', async () => {
  const { code, stdout, stderr, pid, picture } = await runPicturedDemo(
    'balancer',
    '--json',
    '--seconds',
    '1',
    '--connections',
    '200',
  )
  assert.equal(code, 0, `${stdout}\n${stderr}`)
  assert.equal(stdout.includes('\x1b'), false)
  const { stages } = lastLine(stdout) as { stages: StageFigures[] }
  assert.deepEqual(
    stages.map(({ name, lost, moved, failed }) => ({ name, lost, moved, failed })),
    stageNames.map((name) => ({ name, lost: 0, moved: 0, failed: 0 })),
  )
  assert.match(picture, /^<svg /)
  assert.deepEqual(leftBy(pid), [])
})

test('demo of the balancer interrupted by Ctrl-C leaves nothing behind', async () => {
  const { code, stdout, stderr, pid } = await interruptDemo(
    'joined',
    'balancer',
    '--seconds',
    '1',
    '--connections',
    '50',
  )
  assert.equal(code, 130, `${stdout}\n${stderr}`)
  assert.deepEqual(leftBy(pid), [])
})

test('demo of the balancer refuses a number out of range', async () => {
  const { code, stderr } = await runDemo('balancer', '--connections', '9')
  assert.equal(code, 1)
  assert.match(stderr, /--connections "9".*10 to 4000/)
})
