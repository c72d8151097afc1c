import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LoadedFleet } from '../../../tests/support/loaded-fleet.ts'
import { LoadFeedback } from './load-feedback.ts'
import { applyMoves, type Goal, planMoves } from './plan-moves.ts'

const ROWS = 512
const MAX_MOVES = 8
const INTERVALS = 400

const fleets = fc.record({
  strengths: fc.array(fc.double({ min: 0.6, max: 1.6, noNaN: true }), { minLength: 2, maxLength: 8 }),
  lifetime: fc.integer({ min: 1, max: 25 }),
  noise: fc.double({ min: 0, max: 0.05, noNaN: true }),
})

const meanOf = (list: readonly number[]): number => list.reduce((sum, one) => sum + one, 0) / list.length

/** Farthest from the mean, as a part of it. */
const spread = (uses: readonly number[]): number => Math.max(...uses.map((use) => Math.abs(use / meanOf(uses) - 1)))

function goalOf(weights: Record<number, number>): Goal {
  return { weights: new Map(Object.entries(weights).map(([key, weight]) => [Number(key), weight])), dead: new Set() }
}

function settle(rows: Uint16Array, goal: Goal): void {
  applyMoves(rows, planMoves(rows, goal).moves)
  for (let at = 1; at < rows.length; at += 2) rows[at] = 0
}

test('LoadFeedback brings servers of different strength to one load, and never moves more rows an interval than it may', () => {
  fc.assert(
    fc.property(fleets, (options) => {
      const fleet = new LoadedFleet({ ...options, rows: ROWS, maxMoves: MAX_MOVES })
      const before = spread(fleet.uses())
      for (let interval = 0; interval < INTERVALS; interval++) assert.ok(fleet.step() <= MAX_MOVES)
      assert.ok(spread(fleet.uses()) < 0.15, `from ${before} to ${spread(fleet.uses())}`)
    }),
    { numRuns: 40 },
  )
})

test('LoadFeedback does not run to and fro, however late load follows', () => {
  fc.assert(
    fc.property(fleets, (options) => {
      const fleet = new LoadedFleet({ ...options, rows: ROWS, maxMoves: MAX_MOVES })
      const begin = fleet.shares()
      let moved = 0
      for (let interval = 0; interval < INTERVALS; interval++) moved += fleet.step()
      const needed = fleet.shares().reduce((sum, share, index) => sum + Math.max(0, share - begin[index]!), 0)
      assert.ok(moved <= needed * 1.2 + ROWS / 16, `${moved} moves, ${needed} needed`)
      let late = 0
      for (let interval = 0; interval < 100; interval++) late += fleet.step()
      assert.ok(late <= ROWS / 32, `${late} moves when it was settled`)
    }),
    { numRuns: 40 },
  )
})

test('LoadFeedback leaves a fleet alone whose load is even, or of which nothing is known', () => {
  const rows = new Uint16Array(ROWS * 2)
  const goal = goalOf({ 1: 1, 2: 3 })
  settle(rows, goal)
  const feedback = new LoadFeedback({ maxMoves: 8 })
  assert.equal(feedback.observe(rows, goal, new Map()), 0)
  assert.equal(
    feedback.observe(
      rows,
      goal,
      new Map([
        [1, 0.52],
        [2, 0.5],
      ]),
    ),
    0,
  )
  assert.deepEqual(planMoves(rows, feedback.goalOf(goal)).moves, [])
})

test('LoadFeedback waits while the table lags behind, or many rows of a backend are in transition', () => {
  const rows = new Uint16Array(ROWS * 2)
  const pressed = new Map([
    [1, 1],
    [2, 0.2],
  ])
  settle(rows, goalOf({ 1: 1, 2: 1 }))
  const goal = goalOf({ 1: 1, 2: 3 })
  const feedback = new LoadFeedback({ maxMoves: 8 })
  assert.equal(feedback.observe(rows, goal, pressed), 0)
  applyMoves(rows, planMoves(rows, goal).moves)
  assert.equal(feedback.observe(rows, goal, pressed), 0)
  settle(rows, goal)
  assert.equal(feedback.observe(rows, goal, pressed), 8)
})

test('LoadFeedback keeps shares within their range, whatever is measured', () => {
  const rows = new Uint16Array(ROWS * 2)
  const goal = goalOf({ 1: 1, 2: 1 })
  settle(rows, goal)
  const feedback = new LoadFeedback({ maxMoves: 64, range: 2 })
  for (let interval = 0; interval < 100; interval++) {
    feedback.observe(
      rows,
      goal,
      new Map([
        [1, 1],
        [2, 0.01],
      ]),
    )
    settle(rows, feedback.goalOf(goal))
  }
  assert.equal(rows.filter((owner) => owner === 1).length, ROWS / 4)
})

test('LoadFeedback.adopt() goes on from a table that another has fed, and weights count from there', () => {
  const rows = new Uint16Array(ROWS * 2)
  const goal = goalOf({ 1: 1, 2: 1 })
  settle(rows, goalOf({ 1: 3, 2: 1 }))
  const feedback = new LoadFeedback({ maxMoves: 8 })
  feedback.adopt(rows, goal)
  assert.deepEqual(planMoves(rows, feedback.goalOf(goal)).moves, [])
  settle(rows, feedback.goalOf(goalOf({ 1: 1, 2: 3 })))
  assert.equal(rows.filter((owner) => owner === 1).length, ROWS / 2)
  assert.equal(feedback.goalOf(goalOf({ 1: 0, 2: 1 })).weights.get(1), 0)
})
