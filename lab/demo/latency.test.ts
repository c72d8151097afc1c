import assert from 'node:assert/strict'
import { test } from 'node:test'
import { percentile, summarize } from './latency.ts'

test('percentile() is the smallest value that covers the part', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
  assert.deepEqual(
    [1, 50, 99, 100].map((p) => percentile(hundred, p)),
    [1, 50, 99, 100],
  )
  assert.equal(percentile([7], 99), 7)
  assert.equal(percentile([], 50), null)
})

test('summarize() leaves failed requests out of the latencies', () => {
  const requests = [
    { protocol: 'dns', answered: true, latencyMs: 1 },
    { protocol: 'dns', answered: false, latencyMs: 1000 },
  ] as const
  assert.deepEqual(summarize(requests), { sent: 2, answered: 1, latencyMsP50: 1, latencyMsP99: 1 })
})
