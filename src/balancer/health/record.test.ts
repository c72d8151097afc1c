import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ProbeResult } from '../../probes/index.ts'
import { beginRecord, type HealthRecord, observe } from './record.ts'

const good: ProbeResult = { ok: true, latencyMs: 3 }
const bad: ProbeResult = { ok: false, reason: 'connection refused' }

function after(results: readonly ProbeResult[], from = beginRecord(0), rise = 2, fall = 3): HealthRecord {
  return results.reduce((record, result, index) => observe(record, result, { at: index + 1, rise, fall }), from)
}

test('observe() takes a backend out after so many failures in a row, and brings it back after so many successes', () => {
  const states = [good, bad, bad, good, bad, bad, bad, good, bad, good, good].map(
    (_, index, all) => after(all.slice(0, index + 1)).state,
  )
  assert.deepEqual(states.join(' '), 'up up up up up up down down down down up')
})

test('observe() calls an unknown backend up by one success, and down only by all failures', () => {
  assert.equal(after([good]).state, 'up')
  assert.equal(after([bad, bad]).state, 'unknown')
  assert.equal(after([bad, bad, bad]).state, 'down')
})

test('observe() brings a backend that was known to be down back only by all successes', () => {
  const known = beginRecord(0, 'down')
  assert.equal(after([good], known).state, 'down')
  assert.equal(after([good, good], known).state, 'up')
})

test('observe() keeps what happened last, and when the state began', () => {
  const record = after([good, bad, bad, bad, bad])
  assert.deepEqual(record, {
    state: 'down',
    since: 4,
    against: 0,
    checks: 5,
    failures: 4,
    checkedAt: 5,
    latencyMs: 3,
    lastFailure: { at: 5, reason: 'connection refused' },
  })
})

test('observe() changes the state exactly when the last results are all against it and enough', () => {
  const counts = { rise: fc.integer({ min: 1, max: 5 }), fall: fc.integer({ min: 1, max: 5 }) }
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 40 }), counts.rise, counts.fall, (oks, rise, fall) => {
      let record = observe(beginRecord(0), good, { at: 0, rise, fall })
      for (const [index, ok] of oks.entries()) {
        const before = record.state
        record = observe(record, ok ? good : bad, { at: index, rise, fall })
        const needed = before === 'up' ? fall : rise
        const last = [true, ...oks].slice(0, index + 2).slice(-needed)
        const allAgainst = last.length === needed && last.every((each) => each === (before === 'down'))
        assert.equal(record.state !== before, allAgainst)
      }
    }),
  )
})
