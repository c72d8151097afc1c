import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, parseDuration } from './duration.ts'

test('parseDuration() adds up units', () => {
  assert.equal(parseDuration('500ms'), 500)
  assert.equal(parseDuration('90s'), 90_000)
  assert.equal(parseDuration('1h30m'), 5_400_000)
  assert.equal(parseDuration('0.5h'), 1_800_000)
  assert.equal(parseDuration('366d'), 366 * 86_400_000)
})

test('parseDuration() refuses what is no duration, none, or more than a year', () => {
  for (const text of ['', '10', 'm', '10 m', '-5s', '5x', '0s', '0.4ms', '367d', '1e3s', '5s!', 's5'])
    assert.throws(() => parseDuration(text), { code: 'SEAWALL_INPUT', message: /wanted a number with a unit/ }, text)
})

test('formatDuration() shows the two greatest units', () => {
  assert.equal(formatDuration(0), '0ms')
  assert.equal(formatDuration(250.4), '250ms')
  assert.equal(formatDuration(999.6), '1s')
  assert.equal(formatDuration(59_400), '59s')
  assert.equal(formatDuration(59_600), '1m')
  assert.equal(formatDuration(5_400_000), '1h 30m')
  assert.equal(formatDuration(3_601_000), '1h')
  assert.equal(formatDuration(90_061_000), '1d 1h')
})
