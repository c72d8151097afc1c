import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatBytes, formatCount, formatRate, formatShare, plural } from './numbers.ts'

test('formatCount() groups thousands', () => {
  assert.equal(formatCount(0), '0')
  assert.equal(formatCount(1_234_567.4), '1,234,567')
})

test('formatBytes() uses binary units', () => {
  assert.equal(formatBytes(1_023), '1023 B')
  assert.equal(formatBytes(1_536), '1.5 KiB')
  assert.equal(formatBytes(150 * 1_024), '150 KiB')
  assert.equal(formatBytes(2 ** 60), '1024 PiB')
})

test('formatRate() keeps three figures', () => {
  assert.equal(formatRate(0), '0')
  assert.equal(formatRate(9_999), '9999')
  assert.equal(formatRate(12_345), '12.3k')
  assert.equal(formatRate(1_234_567), '1.23M')
  assert.equal(formatRate(987_654_321), '988M')
  assert.equal(formatRate(1.5e9), '1.50G')
})

test('formatShare() has no share of nothing', () => {
  assert.equal(formatShare(1, 3), '33.3%')
  assert.equal(formatShare(0, 0), '-')
})

test('plural() counts', () => {
  assert.equal(plural(1, 'rule'), '1 rule')
  assert.equal(plural(2_000, 'prefix', 'prefixes'), '2,000 prefixes')
})
