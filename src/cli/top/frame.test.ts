import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CountersReport, RuleStatus, Sample } from '../../firewall/index.ts'
import { parseHexPacket } from '../packets/hex.ts'
import { frameOf, type Reading } from './frame.ts'

const count = (packets: number) => ({ packets, bytes: packets * 100 })

function reading(at: number, packets: number, rules: readonly RuleStatus[] = []): Reading {
  const zero = count(0)
  const counters: CountersReport = {
    received: count(packets),
    verdicts: { pass: count(packets / 2), drop: count(packets / 2) },
    byDefault: zero,
    malformed: { udp_length: count(packets / 10), eth_truncated: zero },
    rules: {},
    retired: { pass: zero, drop: zero },
    samplesLost: zero,
  }
  return { at, counters, rules }
}

const rule = (id: string, packets: number): RuleStatus => ({
  id,
  text: `${id}: sample 1/50 if ip`,
  action: 'sample',
  dynamic: false,
  count: count(packets),
})

test('frameOf() gives rates over the time that went by', () => {
  const frame = frameOf(
    reading(1_000, 100, [rule('a', 10)]),
    reading(3_000, 300, [rule('a', 30), rule('new', 8)]),
    [],
    10,
  )
  assert.equal(frame.seconds, 2)
  assert.deepEqual(frame.received, { packets: 100, bytes: 10_000 })
  assert.deepEqual(frame.drop, { packets: 50, bytes: 5_000 })
  assert.deepEqual(frame.malformed, { udp_length: { packets: 10, bytes: 1_000 } })
  assert.deepEqual(
    frame.rules.map((one) => [one.id, one.rate.packets]),
    [
      ['a', 10],
      ['new', 4],
    ],
  )
})

test('frameOf() never shows a negative rate, even if state was made anew', () => {
  assert.deepEqual(frameOf(reading(0, 300), reading(1_000, 100), [], 10).received, { packets: 0, bytes: 0 })
})

test('frameOf() estimates talkers from samples, also from cut ones', () => {
  const bytes = parseHexPacket('02000000000202000000000108004500040000010000401100 00c6336407c0000201007b109203ec0000')
  const sample = (verdict: 'pass' | 'drop'): Sample => ({
    timestamp: 1n,
    decidedBy: 'default',
    verdict,
    sampledBy: 'a',
    length: 1_038,
    ifindex: 1,
    bytes,
  })
  const junk: Sample = { ...sample('drop'), length: 3, bytes: bytes.subarray(0, 3) }
  const frame = frameOf(
    reading(0, 0, [rule('a', 0)]),
    reading(2_000, 0, [rule('a', 2)]),
    [sample('pass'), sample('drop'), junk],
    10,
  )
  assert.deepEqual(frame.talkers, [{ address: '198.51.100.7', packetsPerSecond: 50, samples: 2, verdict: 'both' }])
  assert.equal(frame.samples, 3)
})
