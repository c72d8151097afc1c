import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeName } from './dns-name.ts'

test('encodeName() writes labels with their lengths, in lower case', () => {
  assert.deepEqual(encodeName('wWw.Ab'), Uint8Array.of(3, 0x77, 0x77, 0x77, 2, 0x61, 0x62, 0))
  assert.deepEqual(encodeName('com.'), Uint8Array.of(3, 0x63, 0x6f, 0x6d, 0))
  assert.deepEqual(encodeName('.'), Uint8Array.of(0))
  assert.deepEqual(encodeName(''), Uint8Array.of(0))
  assert.deepEqual(encodeName('\xff'), Uint8Array.of(1, 0xff, 0))
})

test('encodeName() takes 63 bytes a label and 255 bytes in all', () => {
  const label = 'a'.repeat(63)
  const longest = `${label}.${label}.${label}.${'b'.repeat(61)}`
  assert.equal(encodeName(longest).length, 255)
  assert.throws(() => encodeName(`${longest}b`), { code: 'NET_NAME', message: /takes 256 bytes, wanted at most 255$/ })
  assert.throws(() => encodeName(`${label}a.com`), { message: /has 64 bytes, wanted 1 to 63$/ })
})

test('encodeName() refuses empty labels and characters that are no bytes', () => {
  for (const name of ['a..b', '.a', '..'])
    assert.throws(() => encodeName(name), { message: /label "" has 0 bytes/ }, name)
  assert.throws(() => encodeName('b\u{10d}cher'), { message: /is not a byte \(write the xn-- form of the name\)$/ })
})
