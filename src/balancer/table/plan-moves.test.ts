import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { takeCensus } from './census.ts'
import { applyMoves, type Goal, planMoves } from './plan-moves.ts'
import { quotasOf } from './quotas.ts'
import { release } from './release.ts'

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

const owners = (rows: Uint16Array): Map<number, number> =>
  new Map([...takeCensus(rows).owned.entries()].filter(([, count]) => count > 0))

/** Weights of those that may have rows. */
const living = ({ weights, dead }: Goal) => new Map([...weights].filter(([backend]) => !dead.has(backend)))

function check(work: (rows: Uint16Array, goal: Goal) => void): void {
  fc.assert(
    fc.property(tables, goals.map(toGoal), (rows, goal) => work(rows, goal)),
    { numRuns: 300 },
  )
}

test('planMoves() forgets no owner who lives', () => {
  check((rows, goal) => {
    for (const { row, current, previous } of planMoves(rows, goal).moves)
      for (const owner of rows.subarray(row * 2, row * 2 + 2))
        assert.ok(owner === 0 || goal.dead.has(owner) || owner === current || owner === previous, `row ${row}`)
  })
})

test('planMoves() never moves a row whose previous owner may still be asked, unless its owner is dead or both change places', () => {
  check((rows, goal) => {
    for (const { row, current, previous } of planMoves(rows, goal).moves) {
      const [was, before] = [rows[row * 2]!, rows[row * 2 + 1]!]
      const living = goal.dead.has(before) ? 0 : before
      if (current === was) assert.deepEqual([living, previous], [0, 0])
      else if (was === 0 || goal.dead.has(was)) assert.equal(previous, living === current ? 0 : living)
      else assert.deepEqual([previous, living], [was, living === current ? current : 0])
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

test('planMoves() moves as many rows as the shares differ by, now or when slots are free, and no more', () => {
  check((rows, goal) => {
    const before = takeCensus(rows, [12]).owned
    const quotas = quotasOf(ROWS, living(goal), before)
    const wanted = [...quotas].reduce((sum, [backend, quota]) => sum + Math.max(0, quota - before[backend]!), 0)
    const { moves, moved, deferred } = planMoves(rows, goal)
    assert.equal(moves.filter(({ row, current }) => current !== rows[row * 2]).length, moved)
    if (quotas.size === 0) return assert.equal(deferred, 0)
    assert.equal(moved + deferred, wanted)
    const after = rows.slice()
    applyMoves(after, moves)
    assert.equal(release(after, Array(ROWS).keys()) > 0 || deferred === 0, true)
    const rest = planMoves(after, goal)
    assert.deepEqual([rest.moved, rest.deferred], [deferred, 0])
    applyMoves(after, rest.moves)
    for (const [backend, quota] of quotas) assert.equal(owners(after).get(backend) ?? 0, quota)
  })
})

test('planMoves() is the same whatever the order in which weights are told', () => {
  check((rows, goal) => {
    const backwards = { weights: new Map([...goal.weights].reverse()), dead: new Set([...goal.dead].reverse()) }
    assert.deepEqual(planMoves(rows, backwards), planMoves(rows, goal))
  })
})

test('planMoves() undoes a drain at once: owners change places', () => {
  const all = new Map([1, 2, 3, 4].map((backend) => [backend, 1] as const))
  const rows = new Uint16Array(ROWS * 2)
  applyMoves(rows, planMoves(rows, { weights: all, dead: new Set() }).moves)
  const settled = rows.slice()
  const drain = planMoves(rows, { weights: new Map([...all, [4, 0]]), dead: new Set() })
  applyMoves(rows, drain.moves)
  const undo = planMoves(rows, { weights: all, dead: new Set() })
  applyMoves(rows, undo.moves)
  assert.deepEqual([drain.moved, undo.moved, undo.deferred], [ROWS / 4, ROWS / 4, 0])
  for (let at = 0; at < rows.length; at += 2) assert.equal(rows[at], settled[at])
})

test('planMoves() gives rows of a dead backend to their previous owner if that is to have more, and frees the slot', () => {
  const plan = (weights: [number, number][]) =>
    planMoves(Uint16Array.of(1, 2, 1, 2, 3, 0, 3, 0), { weights: new Map(weights), dead: new Set([1]) }).moves
  const back = plan([
    [2, 1],
    [3, 1],
  ])
  assert.deepEqual(
    back.toSorted((a, b) => a.row - b.row),
    [
      { row: 0, current: 2, previous: 0 },
      { row: 1, current: 2, previous: 0 },
    ],
  )
  const drained = plan([[3, 1]])
  assert.deepEqual(
    drained.toSorted((a, b) => a.row - b.row),
    [
      { row: 0, current: 3, previous: 2 },
      { row: 1, current: 3, previous: 2 },
    ],
  )
})

test('planMoves() mixes those who get rows, so that each has its part of the first few', () => {
  const rows = new Uint16Array(ROWS * 2)
  const weights = new Map([
    [1, 1],
    [2, 3],
  ])
  applyMoves(rows, planMoves(rows, { weights: new Map([[3, 1]]), dead: new Set() }).moves)
  const first = planMoves(rows, { weights, dead: new Set() }).moves.slice(0, 16)
  assert.deepEqual(
    [1, 2].map((backend) => first.filter(({ current }) => current === backend).length),
    [4, 12],
  )
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
  assert.deepEqual(planMoves(rows, { weights: new Map([[1, 0]]), dead: new Set() }), {
    moves: [],
    moved: 0,
    deferred: 0,
  })
})
