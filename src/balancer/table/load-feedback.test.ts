import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LoadedFleet } from '../../../tests/support/loaded-fleet.ts'
import { type Factors, feed, LoadFeedback } from './load-feedback.ts'
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

const nothing = new Map<number, number>()

test('LoadFeedback leaves a fleet alone whose load is even, or of which nothing is known', () => {
  const rows = new Uint16Array(ROWS * 2)
  const goal = goalOf({ 1: 1, 2: 3 })
  settle(rows, goal)
  const feedback = new LoadFeedback({ maxMoves: 8 })
  assert.equal(feedback.observe(rows, goal, nothing, new Map()), nothing)
  const even = new Map([
    [1, 0.52],
    [2, 0.5],
  ])
  assert.equal(feedback.observe(rows, goal, nothing, even), nothing)
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
  assert.equal(feedback.observe(rows, goal, nothing, pressed), nothing)
  applyMoves(rows, planMoves(rows, goal).moves)
  assert.equal(feedback.observe(rows, goal, nothing, pressed), nothing)
  settle(rows, goal)
  const factors = feedback.observe(rows, goal, nothing, pressed)
  assert.equal(planMoves(rows, feed(goal, factors)).moved, 8)
})

test('LoadFeedback keeps shares within their range, whatever is measured', () => {
  const rows = new Uint16Array(ROWS * 2)
  const goal = goalOf({ 1: 1, 2: 1 })
  settle(rows, goal)
  const feedback = new LoadFeedback({ maxMoves: 64, range: 2 })
  const pressures = new Map([
    [1, 1],
    [2, 0.01],
  ])
  let factors: Factors = nothing
  for (let interval = 0; interval < 100; interval++) {
    factors = feedback.observe(rows, goal, factors, pressures)
    settle(rows, feed(goal, factors))
  }
  assert.equal(rows.filter((owner) => owner === 1).length, ROWS / 4)
})

test('feed() multiplies weights, so that a changed weight counts beside what load has said, and 0 drains', () => {
  const factors = new Map([[1, 1.5]])
  assert.deepEqual([...feed(goalOf({ 1: 2, 2: 3 }), factors).weights.values()], [3, 3])
  assert.deepEqual([...feed(goalOf({ 1: 0, 2: 3 }), factors).weights.values()], [0, 3])
})
