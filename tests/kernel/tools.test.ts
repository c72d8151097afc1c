import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { createNetns, removeNetns } from '../../src/linux/netns.ts'
import { kernelState, leaksSince, RUN_MARK } from '../../tools/testing/kernel-state.ts'

const mark = `leak-test-${process.pid}`
const state = (): ReturnType<typeof kernelState> => kernelState(mark)

test('kernelState sees a network namespace that is left behind', async () => {
  const name = `seawall-${mark}`
  const before = state()
  createNetns(name)
  try {
    const leaks = await leaksSince(before, state, 0)
    assert.ok(leaks.includes(`network namespace ${name}`), leaks.join())
  } finally {
    removeNetns(name)
  }
})

test('kernelState sees a process of the run that is left behind, and no other', async () => {
  const before = state()
  const children = [mark, 'another-run'].map((value) =>
    spawn('sleep', ['60'], { env: { ...process.env, [RUN_MARK]: value }, stdio: 'ignore' }),
  )
  try {
    await Promise.all(children.map((child) => new Promise((resolve) => child.once('spawn', resolve))))
    const processes = (await leaksSince(before, state, 0)).filter((leak) => leak.startsWith('process'))
    assert.deepEqual(processes, [`process ${children[0]!.pid} (sleep)`])
  } finally {
    for (const child of children) child.kill()
  }
})
