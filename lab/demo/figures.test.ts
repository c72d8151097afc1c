import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CountersReport } from '../../src/firewall/types.ts'
import { figures } from './figures.ts'
import type { PhaseName } from './phases.ts'
import { broken } from './promise.ts'
import type { Snapshot } from './snapshot.ts'

const count = (packets: number) => ({ packets, bytes: packets * 100 })

function report(
  rules: Record<string, number>,
  pass: number,
  drop: number,
  { sent = 0, valid = 0, bad = 0 } = {},
): CountersReport {
  return {
    received: count(pass + drop + sent),
    verdicts: { pass: count(pass), drop: count(drop), tx: count(sent) },
    synCookies: { sent: count(sent), valid: count(valid), bad: count(bad), established: count(0), alarms: 0 },
    byDefault: count(pass),
    malformed: {},
    rules: Object.fromEntries(Object.entries(rules).map(([id, packets]) => [id, count(packets)])),
    retired: { pass: count(0), drop: count(0) },
    samplesLost: count(0),
  }
}

const snapshot = (sent: number, lost: number, firewall?: CountersReport): Snapshot => ({
  sent,
  lost,
  arrived: sent - lost,
  ...(firewall === undefined ? {} : { firewall }),
})

const phase = (name: PhaseName, before: Snapshot, after: Snapshot, answered = 1000, protocol: 'dns' | 'http' = 'dns') =>
  figures({
    name,
    seconds: 1,
    requests: Array.from({ length: 1000 }, (_, i) => ({ protocol, answered: i < answered, latencyMs: 1 })),
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

test('figures() tells SYNs of the attack that got a cookie from those of good clients', () => {
  const after = snapshot(
    3000,
    30,
    report({ 'clients-in': 250, junk: 900, 'clients-out': 250 }, 350, 900, { sent: 1970, valid: 60 }),
  )
  const got = phase('syn-cookies', before, after, 1000, 'http')
  assert.deepEqual([got.attackDropped, got.attackAnswered, got.attackPassed], [0, 1910, 70])
  assert.deepEqual(broken([got]), [])
})

test('figures() takes cookies that only the kernel can have sent for no answer to the attack', () => {
  const after = snapshot(
    1000,
    10,
    report({ 'clients-in': 250, junk: 900, 'clients-out': 250 }, 338, 900, { sent: 2, valid: 9 }),
  )
  const got = phase('over', before, after)
  assert.deepEqual([got.attackAnswered, got.attackPassed], [0, 0])
  assert.deepEqual(broken([got]), [])
})

test('figures() sees a good packet that was taken for the ACK of a bad cookie', () => {
  const after = snapshot(3000, 30, report({ 'clients-in': 250, junk: 2700, 'clients-out': 250 }, 519, 2701, { bad: 1 }))
  const got = phase('protected', before, after)
  assert.deepEqual([got.legitDropped, got.attackDropped, got.attackPassed], [1, 1800, 180])
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
  assert.match(broken([phase('unprotected', snapshot(0, 0), snapshot(500, 0), 990)]).join(), /99\.00 % of all requests/)
  assert.match(broken([phase('unprotected', snapshot(0, 0), snapshot(0, 0), 0)]).join(), /no attack/)
})

test('broken() judges a flood of SYNs by new connections', () => {
  const bare = (answered: number) => phase('syn-flood', snapshot(0, 0), snapshot(500, 0), answered, 'http')
  assert.deepEqual(broken([bare(500)]), [])
  assert.match(broken([bare(501)]).join(), /50\.10 % of 1000 new connections.*no more than 50 %/)
  assert.match(broken([phase('syn-flood', snapshot(0, 0), snapshot(500, 0))]).join(), /of 0 new connections/)
  const after = snapshot(3000, 30, report({ 'clients-in': 250, 'clients-out': 250 }, 340, 900, { sent: 1980 }))
  assert.match(broken([phase('syn-cookies', before, after, 998, 'http')]).join(), /99\.80 % of new connections/)
})
