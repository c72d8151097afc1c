import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { applyMoves, type Goal, planMoves } from './plan-moves.ts'

const ROWS = 256

const backends = fc.integer({ min: 1, max: 12 })
const goals = fc.record({
  weights: fc.dictionary(
    backends.map(String),
    fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 100, noNaN: true })),
  ),
  dead: fc.uniqueArray(backends, { maxLength: 3 }),
})

const toGoal = ({ weights, dead }: { weights: Record<string, number>; dead: number[] }): Goal => ({
  weights: new Map(Object.entries(weights).map(([backend, weight]) => [Number(backend), weight])),
  dead: new Set(dead),
})

/** A table that has come about by several changes, of which some rows are in transition. */
function tableOf(history: readonly Goal[], released: readonly number[]): Uint16Array {
  const rows = new Uint16Array(ROWS * 2)
  for (const goal of history) applyMoves(rows, planMoves(rows, goal).moves)
  for (const row of released) rows[row * 2 + 1] = 0
  return rows
}

const tables = fc
  .tuple(fc.array(goals.map(toGoal), { minLength: 1, maxLength: 4 }), fc.array(fc.nat(ROWS - 1), { maxLength: ROWS }))
  .map(([history, released]) => tableOf(history, released))

const owners = (rows: Uint16Array): Map<number, number> => {
  const counts = new Map<number, number>()
  for (let at = 0; at < rows.length; at += 2) counts.set(rows[at]!, (counts.get(rows[at]!) ?? 0) + 1)
  return counts
}

function check(work: (rows: Uint16Array, goal: Goal) => void): void {
  fc.assert(
    fc.property(tables, goals.map(toGoal), (rows, goal) => work(rows, goal)),
    { numRuns: 300 },
  )
}

test('planMoves() never moves a row whose previous owner may still be asked, unless its owner is dead', () => {
  check((rows, goal) => {
    for (const { row, current, previous } of planMoves(rows, goal).moves) {
      const [was, before] = [rows[row * 2]!, rows[row * 2 + 1]!]
      if (current === was) continue
      if (was === 0 || goal.dead.has(was))
        assert.equal(previous, goal.dead.has(before) || before === current ? 0 : before)
      else assert.deepEqual([goal.dead.has(before) ? 0 : before, previous], [0, was])
    }
  })
})

test('planMoves() leaves no row with a dead backend while another lives', () => {
  check((rows, goal) => {
    const after = rows.slice()
    applyMoves(after, planMoves(rows, goal).moves)
    const lives = [...goal.weights].some(([backend, weight]) => weight > 0 && !goal.dead.has(backend))
    for (const [at, owner] of after.entries()) {
      if (at % 2 === 1) assert.ok(!goal.dead.has(owner), `row ${at >> 1} asks ${owner}`)
      else if (lives) assert.ok(owner !== 0 && !goal.dead.has(owner), `row ${at >> 1} is of ${owner}`)
    }
  })
})

test('planMoves() moves no more rows than the shares differ by, and all of them if none has to wait', () => {
  check((rows, goal) => {
    const { moves, deferred } = planMoves(rows, goal)
    const moved = moves.filter(({ row, current }) => current !== rows[row * 2])
    const [before, after] = [owners(rows), rows.slice()]
    applyMoves(after, moves)
    const now = owners(after)
    const gained = [...now].reduce((sum, [backend, count]) => sum + Math.max(0, count - (before.get(backend) ?? 0)), 0)
    assert.equal(moved.length, gained)
    if (deferred > 0) return
    const weight = [...goal.weights].reduce((sum, [backend, w]) => sum + (goal.dead.has(backend) ? 0 : w), 0)
    for (const [backend, w] of goal.weights) {
      if (goal.dead.has(backend) || weight === 0) continue
      assert.ok(
        Math.abs((now.get(backend) ?? 0) - (ROWS * w) / weight) < 1 + 1e-6,
        `${backend} has ${now.get(backend)}`,
      )
    }
  })
})

test('planMoves() has nothing to do the second time', () => {
  check((rows, goal) => {
    const after = rows.slice()
    applyMoves(after, planMoves(rows, goal).moves)
    assert.deepEqual(planMoves(after, goal).moves, [])
  })
})

test('planMoves() gives weights of any size their share', () => {
  const rows = new Uint16Array(16_384 * 2)
  const weights = new Map([
    [1, 1e300],
    [2, 2e300],
    [3, 1e300],
  ])
  applyMoves(rows, planMoves(rows, { weights, dead: new Set() }).moves)
  assert.deepEqual([...owners(rows)].sort(), [
    [1, 4_096],
    [2, 8_192],
    [3, 4_096],
  ])
})

test('planMoves() leaves rows with backends that are drained when there is nobody else', () => {
  const rows = new Uint16Array(ROWS * 2)
  applyMoves(rows, planMoves(rows, { weights: new Map([[1, 1]]), dead: new Set() }).moves)
  assert.deepEqual(planMoves(rows, { weights: new Map([[1, 0]]), dead: new Set() }), { moves: [], deferred: 0 })
})
