import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMac, macBytes, parseMac } from './mac.ts'

test('parseMac() reads colons and dashes, first byte highest', () => {
  assert.equal(parseMac('02:00:00:00:00:0a'), 0x0200_0000_000a)
  assert.equal(parseMac('FF-ff-ff-ff-ff-ff'), 2 ** 48 - 1)
})

test('parseMac() refuses anything else', () => {
  for (const text of ['', '02:00:00:00:00', '2:0:0:0:0:1', '02:00:00:00:00:0g', '02:00-00:00:00:01', '020000000001']) {
    assert.throws(() => parseMac(text), { code: 'NET_MAC', message: /wanted six bytes/ }, text)
  }
})

test('formatMac() undoes parseMac()', () => {
  for (const text of ['00:00:00:00:00:00', '02:42:ac:11:00:02', 'ff:ff:ff:ff:ff:ff'])
    assert.equal(formatMac(parseMac(text)), text)
})

test('macBytes() gives the bytes as they are on the wire', () => {
  assert.deepEqual([...macBytes(parseMac('02:fc:00:00:7f:ff'))], [0x02, 0xfc, 0, 0, 0x7f, 0xff])
  assert.deepEqual([...macBytes(0)], [0, 0, 0, 0, 0, 0])
})
