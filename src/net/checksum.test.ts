import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checksum, onesSum, pseudoHeaderSum } from './checksum.ts'

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))

test('checksum() is that of the example of RFC 1071', () => {
  assert.equal(onesSum(bytes('0001f203f4f5f6f7')), 0xddf2)
  assert.equal(checksum(bytes('0001f203f4f5f6f7')), 0x220d)
})

test('checksum() pads an odd last byte with zero', () => {
  assert.equal(checksum(bytes('abcd12')), checksum(bytes('abcd1200')))
  assert.equal(checksum(new Uint8Array(0)), 0xffff)
})

test('onesSum() folds every carry, also of a long run', () => {
  assert.equal(onesSum(new Uint8Array(65_535).fill(0xff)), onesSum(bytes('ff00')))
})

test('pseudoHeaderSum() takes lengths of more than 16 bits', () => {
  const address = new Uint8Array(16)
  assert.equal(pseudoHeaderSum(address, address, 17, 0x10002), 17 + 1 + 2)
})
