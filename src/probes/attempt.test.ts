import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attempt } from './attempt.ts'
import { ProbeFailure } from './failure.ts'

const never = new AbortController().signal

test('attempt() tells that work succeeded, or the reason why it did not', async () => {
  const good = await attempt(async () => undefined, { timeoutMs: 60_000, stop: never })
  assert.ok(good?.ok)
  const failures = [
    [new ProbeFailure('status 503, wanted 200'), 'status 503, wanted 200'],
    [Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), 'connection refused'],
  ] as const
  for (const [error, reason] of failures) {
    const result = await attempt(() => Promise.reject(error), { timeoutMs: 60_000, stop: never })
    assert.deepEqual(result, { ok: false, reason })
  }
})

test('attempt() gives work up when its time is over, and signals it', async () => {
  let signalled: AbortSignal | undefined
  const work = (signal: AbortSignal) => {
    signalled = signal
    return new Promise<never>(() => undefined)
  }
  const result = await attempt(work, { timeoutMs: 10, stop: never })
  assert.deepEqual([result, signalled!.aborted], [{ ok: false, reason: 'no answer within 10ms' }, true])
})

test('attempt() tells what work knows that its time was over for', async () => {
  const reject = (error: Error) => (signal: AbortSignal) =>
    new Promise<never>((_, failed) => signal.addEventListener('abort', () => process.nextTick(failed, error)))
  const refused = await attempt(reject(new ProbeFailure('connection refused')), { timeoutMs: 10, stop: never })
  assert.deepEqual(refused, { ok: false, reason: 'connection refused' })
  const closed = await attempt(reject(new Error('closed')), { timeoutMs: 10, stop: never })
  assert.deepEqual(closed, { ok: false, reason: 'no answer within 10ms' })
})

test('attempt() says nothing of work that was to stop', async () => {
  const stop = new AbortController()
  const result = attempt(() => new Promise<never>(() => undefined), { timeoutMs: 60_000, stop: stop.signal })
  stop.abort()
  assert.equal(await result, undefined)
})
