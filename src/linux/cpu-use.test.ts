import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CpuTime, CpuUse, parseCpuTime } from './cpu-use.ts'

test('parseCpuTime() adds up the first line, but for guests, whose time is in that of their users', () => {
  const text = 'cpu  100 20 30 4000 500 6 7 8 90 10\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n'
  assert.deepEqual(parseCpuTime(text), { total: 4671, idle: 4500 })
})

test('CpuUse.measure() is the share over the span, when that is over, and forgets what was before', () => {
  const times: CpuTime[] = [
    { total: 0, idle: 0 },
    { total: 100, idle: 0 },
    { total: 200, idle: 50 },
    { total: 300, idle: 150 },
  ]
  const use = new CpuUse(2, () => times.shift()!)
  assert.equal(use.measure(), undefined)
  assert.equal(use.measure(), 0.75)
  assert.equal(use.measure(), 0.25)
})

test('CpuUse.measure() says nothing if no time has passed, and stays within its bounds when a clock is corrected', () => {
  const times: CpuTime[] = [
    { total: 10, idle: 10 },
    { total: 10, idle: 10 },
    { total: 20, idle: 9 },
  ]
  const use = new CpuUse(1, () => times.shift()!)
  assert.equal(use.measure(), undefined)
  assert.equal(use.measure(), 1)
})

test('CpuUse.measure() reads the kernel of this machine', () => {
  const use = new CpuUse(1)
  let share = use.measure()
  // Ticks are 10 ms, and a machine that has just been held up may have counted none.
  while (share === undefined || share === 0) share = use.measure()
  assert.ok(share <= 1, `${share}`)
})
