import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from './address.ts'
import { formatPrefix, isHost, parsePrefix, prefixContains, prefixesBetween, prefixOf } from './prefix.ts'

test('parsePrefix() reads prefixes and bare addresses', () => {
  assert.deepEqual(parsePrefix('10.0.0.0/8'), { family: 4, value: 0x0a000000n, length: 8 })
  assert.deepEqual(parsePrefix('10.0.0.1'), { family: 4, value: 0x0a000001n, length: 32 })
  assert.deepEqual(parsePrefix('0.0.0.0/0'), { family: 4, value: 0n, length: 0 })
  assert.equal(formatPrefix(parsePrefix('2001:DB8::/32')), '2001:db8::/32')
  assert.equal(formatPrefix(parsePrefix('::1')), '::1/128')
})

test('parsePrefix() refuses host bits and names the prefix that was meant', () => {
  assert.throws(() => parsePrefix('10.0.0.1/8'), {
    code: 'NET_PREFIX',
    message: /host bits are set.*\(write 10\.0\.0\.0\/8\)$/,
  })
  assert.throws(() => parsePrefix('2001:db8::1/64'), { message: /\(write 2001:db8::\/64\)$/ })
})

test('parsePrefix() refuses lengths that do not exist', () => {
  for (const text of ['10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/08', '10.0.0.0/-1', '10.0.0.0/8/8']) {
    assert.throws(
      () => parsePrefix(text),
      { code: 'NET_PREFIX', message: /length is ".*", wanted 0 to (32|128)$/ },
      text,
    )
  }
  assert.throws(() => parsePrefix('10.0.0/8'), { message: /wanted an address and a length/ })
})

test('prefixContains() compares the network bits of one family only', () => {
  const contains = (prefix: string, address: string): boolean =>
    prefixContains(parsePrefix(prefix), parseAddress(address))
  assert.ok(contains('192.0.2.0/25', '192.0.2.127'))
  assert.ok(!contains('192.0.2.0/25', '192.0.2.128'))
  assert.ok(contains('0.0.0.0/0', '255.255.255.255'))
  assert.ok(!contains('::/0', '10.0.0.1'))
  assert.ok(contains('2001:db8::/33', '2001:db8:7fff::'))
  assert.ok(!contains('2001:db8::/33', '2001:db8:8000::'))
})

test('isHost() and prefixOf() know the family', () => {
  assert.ok(isHost(parsePrefix('::1')))
  assert.ok(!isHost(parsePrefix('::/32')))
  assert.equal(formatPrefix(prefixOf(parseAddress('203.0.113.77'), 24)), '203.0.113.0/24')
})

test('prefixesBetween() covers a range with the fewest prefixes', () => {
  const between = (from: string, to: string): string[] =>
    prefixesBetween(parseAddress(from), parseAddress(to)).map(formatPrefix)
  assert.deepEqual(between('0.0.0.0', '255.255.255.255'), ['0.0.0.0/0'])
  assert.deepEqual(between('::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'), ['::/0'])
  assert.deepEqual(between('10.0.0.7', '10.0.0.7'), ['10.0.0.7/32'])
  assert.deepEqual(between('10.0.0.7', '10.0.1.0'), [
    '10.0.0.7/32',
    '10.0.0.8/29',
    '10.0.0.16/28',
    '10.0.0.32/27',
    '10.0.0.64/26',
    '10.0.0.128/25',
    '10.0.1.0/32',
  ])
  assert.deepEqual(between('10.0.0.2', '10.0.0.1'), [])
})
