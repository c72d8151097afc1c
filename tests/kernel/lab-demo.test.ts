import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PhaseFigures } from '../../lab/demo/figures.ts'
import { phaseNames } from '../../lab/demo/phases.ts'
import { ended, start } from '../../src/linux/process.ts'
import { demoCommand, interruptDemo, lastLine, leftBy, runDemo, runPicturedDemo } from '../support/demo.ts'

const UNPRIVILEGED = ['--bounding-set', '-all', '--inh-caps', '-all']

test('demo keeps its promise, and says so in JSON and in a picture', async () => {
  const { code, stdout, stderr, pid, picture } = await runPicturedDemo('--json', '--seconds', '3')
  assert.equal(code, 0, `${stdout}\n${stderr}`)
  const { phases } = lastLine(stdout) as { phases: PhaseFigures[] }
  assert.deepEqual(
    phases.map(({ name }) => name),
    [...phaseNames],
  )
  for (const phase of phases) {
    const { attackDropped, attackAnswered, attackPassed, attackLost } = phase
    assert.equal(phase.attackSent, attackDropped + attackAnswered + attackPassed + attackLost, phase.name)
    assert.equal(phase.legitDropped, 0, phase.name)
  }
  assert.match(picture, /^<svg /)
  assert.deepEqual(leftBy(pid), [])
})

test('demo interrupted by Ctrl-C in the middle of an attack leaves nothing behind', async () => {
  const { code, pid } = await interruptDemo('unprotected', '--seconds', '3')
  assert.equal(code, 130)
  assert.deepEqual(leftBy(pid), [])
})

test('demo says what it needs root for when it has no privileges', async () => {
  const { code, stderr } = await ended(start('setpriv', [...UNPRIVILEGED, ...demoCommand()]))
  assert.equal(code, 1)
  assert.match(stderr, /Cannot go on without CAP_NET_ADMIN.*network namespaces.*root/)
})

test('demo refuses a number out of range', async () => {
  const { code, stderr } = await runDemo('--seconds', '0')
  assert.equal(code, 1)
  assert.match(stderr, /--seconds "0".*3 to 60/)
})
