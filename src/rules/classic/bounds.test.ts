import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canReject, neededBytes } from './bounds.ts'
import { compilePcap } from './compile-pcap.ts'

const LIMIT = 0xffff
const least = (text: string): number => neededBytes(compilePcap(text), LIMIT)[0]!

test('neededBytes() is what every accepting way reads at least', () => {
  assert.equal(least('ip'), 14)
  assert.equal(least('udp port 53'), 24, 'of IPv4, the protocol; its ports lie where its header ends')
  assert.equal(least('ip6 and udp src port 53'), 56)
  assert.equal(least('ip or ether[60] = 1'), 14)
  assert.equal(least('len > 5'), 0)
  assert.equal(least('ether[70000] = 1'), Number.POSITIVE_INFINITY)
})

test('canReject() knows programs that take every packet', () => {
  assert.equal(canReject(compilePcap('ip or not ip')), false)
  assert.equal(canReject(compilePcap('len > 5')), true)
  assert.equal(canReject(compilePcap('ip')), true)
})
