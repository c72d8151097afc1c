import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CountersReport, RuleStatus, Sample } from '../../firewall/index.ts'
import { parseHexPacket } from '../packets/hex.ts'
import { frameOf, type Reading } from './frame.ts'
import { KEYS, keysOf } from './keys.ts'

const count = (packets: number) => ({ packets, bytes: packets * 100 })

function reading(at: number, packets: number, rules: readonly RuleStatus[] = []): Reading {
  const zero = count(0)
  const counters: CountersReport = {
    received: count(packets),
    verdicts: { pass: count(packets / 2), drop: count(packets / 2), tx: zero },
    synCookies: { sent: zero, valid: zero, bad: zero, established: zero, alarms: 0 },
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

const none = { samples: [], lost: 0 }
const options = { by: KEYS, most: 10 }

test('frameOf() gives rates over the time that went by', () => {
  const frame = frameOf(
    reading(1_000, 100, [rule('a', 10)]),
    reading(3_000, 300, [rule('a', 30), rule('new', 8)]),
    none,
    options,
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
  assert.deepEqual(frameOf(reading(0, 300), reading(1_000, 100), none, options).received, { packets: 0, bytes: 0 })
})

const bytes = parseHexPacket('02000000000202000000000108004500040000010000401100 00c6336407c0000201007b109203ec0000')
const sample = (verdict: 'pass' | 'drop', more: Partial<Sample> = {}): Sample => ({
  timestamp: 1n,
  decidedBy: 'default',
  verdict,
  sampledBy: 'a',
  length: 1_038,
  ifindex: 1,
  bytes,
  ...more,
})

test('frameOf() estimates by every key from samples, also from cut ones', () => {
  const junk = sample('drop', { length: 3, bytes: bytes.subarray(0, 3) })
  const frame = frameOf(
    reading(0, 0, [rule('a', 0)]),
    reading(2_000, 0, [rule('a', 2)]),
    { samples: [sample('pass'), sample('drop'), junk], lost: 4 },
    { by: KEYS, most: 10 },
  )
  const both = { packetsPerSecond: 50, bytesPerSecond: 51_900, samples: 2, verdict: 'mixed' }
  assert.deepEqual(frame.by, {
    source: [{ key: '198.51.100.0/24', ...both }],
    destination: [{ key: '192.0.2.1', ...both }],
    port: [{ key: 'udp/4242', ...both }],
    size: [
      { key: '1024-2047', ...both },
      { key: '0-63', packetsPerSecond: 25, bytesPerSecond: 75, samples: 1, verdict: 'drop' },
    ],
    ttl: [{ key: '64', ...both }],
  })
  assert.equal(frame.samples, 3)
  assert.equal(frame.lost, 4)
})

test('frameOf() has the keys that were asked for, and the most of each', () => {
  const samples = [1, 2, 2, 3, 3, 3].map((last) => sample('pass', { bytes: bytes.with(33, last) }))
  const { by } = frameOf(reading(0, 0), reading(1_000, 0), { samples, lost: 0 }, { by: ['destination'], most: 2 })
  assert.deepEqual(Object.keys(by), ['destination'])
  assert.deepEqual(
    by.destination!.map(({ key, samples }) => `${key} ${samples}`),
    ['192.0.2.3 3', '192.0.2.2 2'],
  )
})

test('keysOf() takes /48 of IPv6 sources, and tells sizes apart by powers of two', () => {
  const six = parseHexPacket(
    '02000000000202000000000186dd600000000008112a20010db8000100020000000000000001 20010db8000000000000000000000002 0035 1092 0008 0000',
  )
  const of = (length: number) => keysOf(sample('pass', { bytes: six, length }))
  assert.deepEqual(of(62), {
    source: '2001:db8:1::/48',
    destination: '2001:db8::2',
    port: 'udp/4242',
    size: '0-63',
    ttl: '42',
  })
  const sizes = [64, 127, 128, 1_514, 2_047, 2_048, 9_014].map((length) => of(length).size)
  assert.deepEqual(sizes, ['64-127', '64-127', '128-255', '1024-2047', '1024-2047', '2048-', '2048-'])
})
