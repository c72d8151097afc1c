import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCHEDULE_LENGTH, schedule } from './schedule.ts'

test('schedule() gives every pattern its part', () => {
  const turns = schedule([5, 2, 1])
  const parts = [0, 1, 2].map((index) => turns.filter((turn) => turn === index).length)
  assert.deepEqual(parts, [(SCHEDULE_LENGTH * 5) / 8, (SCHEDULE_LENGTH * 2) / 8, SCHEDULE_LENGTH / 8])
})

test('schedule() spreads turns evenly', () => {
  assert.deepEqual([...schedule([2, 1]).subarray(0, 6)], [0, 1, 0, 0, 1, 0])
})
