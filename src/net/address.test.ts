import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  addressAt,
  addressBytes,
  formatAddress,
  formatEndpoint,
  parseAddress,
  tryParseAddress,
  unmapped,
} from './address.ts'

test('parseAddress() reads IPv4 and IPv6 as big-endian integers', () => {
  assert.deepEqual(parseAddress('192.0.2.1'), { family: 4, value: 0xc0000201n })
  assert.deepEqual(parseAddress('2001:db8::1'), { family: 6, value: (0x20010db8n << 96n) | 1n })
  assert.deepEqual(parseAddress('::ffff:192.0.2.1'), { family: 6, value: 0xffff_c000_0201n })
  assert.deepEqual(parseAddress('::'), { family: 6, value: 0n })
})

test('parseAddress() refuses what only looks like an address', () => {
  const wrong = [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '256.1.1.1',
    '1.2.3.-4',
    '1.2.3.4 ',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
  ]
  for (const text of [
    ...wrong,
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '::1.2.3',
    '1.2.3.4::',
    '::1%eth0',
    '1:2:3:4:5:6:7::8:9',
  ]) {
    assert.equal(tryParseAddress(text), undefined, text)
    assert.throws(() => parseAddress(text), {
      code: 'NET_ADDRESS',
      message: /^Cannot read address ".*": wanted IPv4 or IPv6/,
    })
  }
})

test('formatAddress() writes IPv6 as RFC 5952 says', () => {
  const canonical = [
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1::', '1::'],
    ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
  ] as const
  for (const [text, wanted] of canonical) assert.equal(formatAddress(parseAddress(text)), wanted)
})

test('formatAddress() and parseAddress() undo each other', () => {
  const address4 = fc.bigInt(0n, 2n ** 32n - 1n).map((value) => ({ family: 4 as const, value }))
  const address6 = fc
    .array(fc.constantFrom(0n, 0n, 1n, 0xffffn, 0x20n), { minLength: 8, maxLength: 8 })
    .map((groups) => ({
      family: 6 as const,
      value: groups.reduce<bigint>((value, group) => (value << 16n) | group, 0n),
    }))
  fc.assert(
    fc.property(fc.oneof(address4, address6), (address) => {
      assert.deepEqual(parseAddress(formatAddress(address)), address)
      assert.deepEqual(addressAt(addressBytes(address), 0, address.family), address)
    }),
  )
})

test('formatEndpoint() puts IPv6 addresses into brackets', () => {
  assert.equal(formatEndpoint(parseAddress('192.0.2.1'), 53), '192.0.2.1:53')
  assert.equal(formatEndpoint(parseAddress('2001:db8::1'), 53), '[2001:db8::1]:53')
})

test('unmapped() is the address of IPv4 that one of IPv6 stands for, and leaves others as they are', () => {
  assert.deepEqual(unmapped(parseAddress('::ffff:192.0.2.1')), parseAddress('192.0.2.1'))
  for (const text of ['192.0.2.1', '2001:db8::1', '::1', '::fffe:192.0.2.1'])
    assert.deepEqual(unmapped(parseAddress(text)), parseAddress(text))
})
