import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SampleQueue } from './samples.ts'
import type { Sample } from './types.ts'

const sample = (timestamp: number): Sample => ({
  timestamp: BigInt(timestamp),
  decidedBy: 'default',
  verdict: 'pass',
  length: 0,
  ifindex: 1,
  bytes: new Uint8Array(),
})

test('SampleQueue gives up the oldest for a reader that is too slow, and says how many', async () => {
  const queue = new SampleQueue()
  for (let number = 0; number < 4_100; number++) queue.push(sample(number))
  assert.deepEqual(await queue.next(), { ...sample(4), skipped: 4 })
  assert.deepEqual(await queue.next(), sample(5))
})

test('SampleQueue wakes a reader that waits, with a sample and at the end', async () => {
  const queue = new SampleQueue()
  const first = queue.next()
  queue.push(sample(1))
  assert.deepEqual(await first, sample(1))
  const last = queue.next()
  queue.end()
  assert.equal(await last, undefined)
})
