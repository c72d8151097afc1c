import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from '../net/address.ts'
import { FlowHash, tupleOf } from './hash.ts'

const key = Uint8Array.from(Buffer.from('9a0364b9e99bb480dd25e1f0284c8555', 'hex'))
const flow4 = {
  source: parseAddress('192.0.2.1'),
  destination: parseAddress('198.51.100.7'),
  sourcePort: 54321,
  destinationPort: 80,
  protocol: 6,
}
const flow6 = {
  source: parseAddress('2001:db8::1'),
  destination: parseAddress('2001:db8:53::53'),
  sourcePort: 49152,
  destinationPort: 443,
  protocol: 17,
}

test('tupleOf() packs a flow as it stands in packets', () => {
  assert.equal(Buffer.from(tupleOf(flow4)).toString('hex'), 'c0000201c6336407d431005006')
  const hex6 = '20010db8000000000000000000000001' + '20010db8005300000000000000000053' + 'c000' + '01bb' + '11'
  assert.equal(Buffer.from(tupleOf(flow6)).toString('hex'), hex6)
})

// What OpenSSL makes of these tuples: 42fda941eaf9efb7 and 747016b89acf597d.
test('FlowHash finds the bucket by the low bits of the hash', () => {
  const hash = new FlowHash(key)
  assert.equal(hash.bucketOf(flow4, 2 ** 32), 0x41a9fd42)
  assert.equal(hash.bucketOf(flow4, 16_384), 0x41a9fd42 % 16_384)
  assert.equal(hash.bucketOf(flow6, 1 << 20), 0xb8167074 % (1 << 20))
})
