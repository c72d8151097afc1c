import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CountersReport } from '../../src/firewall/types.ts'
import { figures, type PhaseName } from './figures.ts'
import { broken } from './promise.ts'
import type { Snapshot } from './snapshot.ts'

const count = (packets: number) => ({ packets, bytes: packets * 100 })

function report(rules: Record<string, number>, pass: number, drop: number): CountersReport {
  return {
    received: count(pass + drop),
    verdicts: { pass: count(pass), drop: count(drop), tx: count(0) },
    synCookies: { sent: count(0), valid: count(0), bad: count(0), established: count(0), alarms: 0 },
    byDefault: count(pass),
    malformed: {},
    rules: Object.fromEntries(Object.entries(rules).map(([id, packets]) => [id, count(packets)])),
    retired: { pass: count(0), drop: count(0) },
    samplesLost: count(0),
  }
}

const snapshot = (sent: number, lost: number, firewall?: CountersReport): Snapshot => ({
  sent: new Map([['junk', sent]]),
  lost,
  arrived: sent - lost,
  ...(firewall === undefined ? {} : { firewall }),
})

const phase = (name: PhaseName, before: Snapshot, after: Snapshot, answered = 1000) =>
  figures({
    name,
    seconds: 1,
    requests: Array.from({ length: 1000 }, (_, i) => ({ protocol: 'dns', answered: i < answered, latencyMs: 1 })),
    before,
    after,
  })

const before = snapshot(1000, 10, report({ 'clients-in': 50, junk: 900, 'clients-out': 50 }, 140, 900))

test('figures() adds up what the flood sent to what the kernel counted', () => {
  const after = snapshot(3000, 30, report({ 'clients-in': 250, junk: 2700, 'clients-out': 250 }, 520, 2700))
  const got = phase('protected', before, after)
  assert.deepEqual(
    [got.attackSent, got.attackDropped, got.attackPassed, got.attackLost, got.legitDropped],
    [2000, 1800, 180, 20, 0],
  )
  assert.deepEqual(got.droppedByRule, { junk: 1800 })
  assert.deepEqual(broken([got]), [])
})

test('figures() sees a good packet that a rule dropped', () => {
  const after = snapshot(3000, 30, report({ 'clients-in': 250, junk: 2701, 'clients-out': 249 }, 519, 2701))
  const got = phase('protected', before, after)
  assert.equal(got.legitDropped, 1)
  assert.equal(got.attackDropped, 1800)
  assert.match(broken([got]).join(), /dropped 1 packets of good clients/)
})

test('figures() without a firewall takes what arrived for passed', () => {
  const got = phase('unprotected', snapshot(0, 0), snapshot(500, 20), 300)
  assert.deepEqual([got.attackDropped, got.attackPassed, got.attackLost], [0, 480, 20])
  assert.deepEqual(broken([got]), [])
})

test('broken() names figures that do not add up', () => {
  const after = snapshot(3001, 30, report({ 'clients-in': 250, junk: 2700, 'clients-out': 250 }, 520, 2700))
  assert.match(broken([phase('reload', before, after)]).join(), /of 2001 attack packets 2000/)
})

test('broken() wants 99.9 % answered, but a collapse without protection', () => {
  const after = snapshot(3000, 30, report({ 'clients-in': 250, junk: 2700, 'clients-out': 250 }, 520, 2700))
  assert.deepEqual(broken([phase('adopted', before, after, 999)]), [])
  assert.match(broken([phase('adopted', before, after, 998)]).join(), /99\.80 %/)
  assert.match(broken([phase('unprotected', snapshot(0, 0), snapshot(500, 0), 990)]).join(), /at most 95 %/)
  assert.match(broken([phase('unprotected', snapshot(0, 0), snapshot(0, 0), 0)]).join(), /no attack/)
})
