import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Conductor } from './conductor.ts'
import { poolKey, stampOf, type TableDocument } from './document.ts'
import type { Report } from './messages.ts'
import { defaultTiming } from './peers.ts'

const backends = ['a', 'b', 'c']
const timing = { ...defaultTiming, silentMs: 3_000, quietMs: 2_000, transitionMs: 60_000 }
const reign = 'r'

/** Of 4 rows, which is what `rows` says: current and previous owner of each. */
function documentOf(version: number, rows: readonly number[], dead: readonly string[] = []): TableDocument {
  const pools = [{ backends, rows: Uint16Array.from(rows) }]
  return {
    version,
    conductor: 'a',
    pools,
    drained: [],
    dead: dead.map((backend) => ({ pool: 0, backend })),
    factors: [],
  }
}

/** Row 1 moves from b to c. */
const before = documentOf(1, [1, 0, 2, 0, 3, 0, 1, 0])
const moved = documentOf(2, [1, 0, 3, 2, 3, 0, 1, 0])

let time = 0

function reportOf(inForce: TableDocument, settled: number | undefined, busy: readonly number[] = []): Report {
  return {
    conducts: false,
    time: ++time,
    inForce: stampOf(inForce),
    ...(settled === undefined ? {} : { settled: { reign, version: settled } }),
    busy: [{ pool: poolKey(backends), rows: Uint32Array.from(busy) }],
  }
}

function conducting(...documents: readonly TableDocument[]): Conductor {
  const conductor = new Conductor({ members: backends, timing, reign, since: 0 })
  for (const document of documents) conductor.use(document, 0)
  return conductor
}

function quietRows(conductor: Conductor, now: number): readonly number[] {
  return conductor.releasable(now).flatMap(({ quiet }) => quiet)
}

describe('Conductor', () => {
  test('settled() is the version that all have in force; what is no table of this time in office counts as none', () => {
    const conductor = conducting(before, moved)
    conductor.note('a', reportOf(moved, undefined), 0)
    conductor.note('b', reportOf(moved, undefined), 0)
    assert.equal(conductor.settled(0), undefined)
    conductor.note('c', reportOf(before, undefined), 0)
    assert.deepEqual(conductor.settled(0), { reign, version: 1 })
    conductor.note('c', reportOf(documentOf(9, [1, 0, 1, 0, 1, 0, 1, 0]), undefined), 0)
    assert.equal(conductor.settled(0), undefined)
    conductor.note('c', reportOf(moved, undefined), 0)
    assert.deepEqual(conductor.settled(0), { reign, version: 2 })
  })

  test('settled() does not wait for a machine that says nothing and is dead to all, but for one that is only silent', () => {
    const conductor = conducting(before)
    for (const name of ['a', 'b']) conductor.note(name, reportOf(before, undefined), 10_000)
    assert.equal(conductor.settled(10_000), undefined)
    const dead = documentOf(2, [1, 0, 2, 0, 1, 3, 1, 0], ['c'])
    conductor.use(dead, 10_000)
    for (const name of ['a', 'b']) conductor.note(name, reportOf(dead, undefined), 10_000)
    assert.deepEqual(conductor.settled(10_000), { reign, version: 2 })
    conductor.note('c', reportOf(before, undefined), 10_000)
    assert.deepEqual(conductor.settled(10_000), { reign, version: 1 })
  })

  test('releasable() frees a row when its previous owner was quiet for long enough after the move had settled', () => {
    const conductor = conducting(before, moved)
    conductor.note('b', reportOf(moved, 2), 1_000)
    assert.deepEqual(quietRows(conductor, 9_000), [])
    conductor.note('b', reportOf(moved, 2), 2_900)
    assert.deepEqual(quietRows(conductor, 9_000), [])
    conductor.note('b', reportOf(moved, 2), 3_000)
    assert.deepEqual(conductor.releasable(9_000), [{ pool: 0, quiet: [1], expired: [] }])
  })

  test('releasable() frees nothing by what was found before the move had settled, or under another conductor', () => {
    const conductor = conducting(before, moved)
    const other = { ...reportOf(moved, undefined), settled: { reign: 'other', version: 9 } }
    for (let now = 0; now < 20_000; now += 1_000) {
      conductor.note('b', { ...other, time: ++time }, now)
      conductor.note('b', reportOf(moved, 1), now)
      conductor.note('a', reportOf(moved, 2), now)
      conductor.note('c', reportOf(moved, 2), now)
    }
    assert.deepEqual(conductor.releasable(20_000), [])
  })

  test('releasable() begins anew when the previous owner has connections again, whatever the report was made with', () => {
    const conductor = conducting(before, moved)
    conductor.note('b', reportOf(moved, 2), 0)
    conductor.note('b', reportOf(moved, 2), 5_000)
    assert.deepEqual(quietRows(conductor, 5_000), [1])
    conductor.note('b', reportOf(moved, undefined, [1]), 6_000)
    assert.deepEqual(quietRows(conductor, 6_000), [])
    conductor.note('b', reportOf(moved, 2), 7_000)
    assert.deepEqual(quietRows(conductor, 7_000), [])
    conductor.note('b', reportOf(moved, 2), 9_000)
    assert.deepEqual(quietRows(conductor, 9_000), [1])
  })

  test('note() takes no report that is older than the last', () => {
    const conductor = conducting(before, moved)
    const early = reportOf(moved, 2)
    conductor.note('b', reportOf(moved, 2), 0)
    conductor.note('b', reportOf(moved, 2, [1]), 5_000)
    assert.equal(conductor.note('b', early, 6_000), false)
    assert.deepEqual(quietRows(conductor, 6_000), [])
  })

  test('releasable() says nothing about rows of a pool that the report does not name', () => {
    const conductor = conducting(before, moved)
    for (const now of [0, 5_000]) conductor.note('b', { ...reportOf(moved, 2), busy: [] }, now)
    assert.deepEqual(conductor.releasable(5_000), [])
  })

  test('releasable() frees what has been in transition for too long, busy or not', () => {
    const conductor = conducting(before, moved)
    conductor.note('b', reportOf(moved, 2, [1]), 59_999)
    assert.deepEqual(conductor.releasable(59_999), [])
    assert.deepEqual(conductor.releasable(60_000), [{ pool: 0, quiet: [], expired: [1] }])
  })

  test('use() keeps what is known of rows that stay in transition, and forgets that of rows that moved again', () => {
    const conductor = conducting(before, moved)
    for (const now of [0, 5_000]) conductor.note('b', reportOf(moved, 2), now)
    conductor.use(documentOf(3, [2, 1, 3, 2, 3, 0, 1, 0]), 5_000)
    assert.deepEqual(quietRows(conductor, 5_000), [1])
    conductor.use(documentOf(4, [2, 1, 1, 2, 3, 0, 1, 0]), 5_000)
    assert.deepEqual(quietRows(conductor, 5_000), [])
  })

  test('loads() and present() are of those who said something lately', () => {
    const conductor = conducting(before)
    conductor.note('b', { ...reportOf(before, undefined), load: { cpu: 0.5 } }, 0)
    conductor.note('c', { ...reportOf(before, undefined), load: { connections: 4 } }, 2_000)
    assert.deepEqual([...conductor.loads(2_999)].length, 2)
    assert.deepEqual([...conductor.loads(3_000)], [['c', { connections: 4 }]])
    assert.deepEqual([...conductor.present(3_000)], ['c'])
  })
})
