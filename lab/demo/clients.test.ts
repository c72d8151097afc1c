import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCurl, parseDnsperf } from './clients.ts'

test('parseDnsperf() reads an answer and its latency', () => {
  const request = parseDnsperf('> NOERROR www-1.seawall.example A 0.000125')
  assert.deepEqual(request, { protocol: 'dns', answered: true, latencyMs: 0.125 })
})

test('parseDnsperf() takes a timeout and an error for no answer', () => {
  assert.equal(parseDnsperf('> T www-1.seawall.example A')?.answered, false)
  assert.equal(parseDnsperf('> SERVFAIL www-1.seawall.example A 0.001000')?.answered, false)
})

test('parseDnsperf() skips what is not about one query', () => {
  for (const line of ['', 'Statistics:', '  Queries sent:         400', '[Status] Sending queries']) {
    assert.equal(parseDnsperf(line), undefined, line)
  }
})

test('parseCurl() takes nothing but 200 for an answer', () => {
  assert.deepEqual(parseCurl('200 0.002500'), { protocol: 'http', answered: true, latencyMs: 2.5 })
  assert.equal(parseCurl('000 1.001000').answered, false)
  assert.equal(parseCurl('503 0.001000').answered, false)
})
