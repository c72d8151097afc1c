import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from '../net/address.ts'
import { hashFlow, sipHash13 } from './hash.ts'

const key = Uint8Array.from({ length: 16 }, (_, index) => index)

/** Length of the message 00 01 02 …, and what OpenSSL's SIPHASH with 1 and 3 rounds makes of it by the key 00 … 0f, octets in order. */
const VECTORS = [
  [0, 'dcc40f055801acab'],
  [1, '93ca577df39bf4c9'],
  [7, '4011b19b987d92d3'],
  [8, '8e9a298d11959036'],
  [13, 'a7ff29120c766f30'],
  [37, '5730c3a32d1c10b6'],
] as const

const octets = (hash: bigint): string => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(hash)
  return bytes.toString('hex')
}

for (const [length, wanted] of VECTORS)
  test(`sipHash13() agrees with OpenSSL about ${length} bytes`, () => {
    const message = Uint8Array.from({ length }, (_, index) => index)
    assert.equal(octets(sipHash13(message, key)), wanted)
  })

test('hashFlow() hashes addresses, ports and protocol in the order of the packet', () => {
  const flow = { sourcePort: 0x1234, destinationPort: 443, protocol: 6 }
  const ports = [0x12, 0x34, 0x01, 0xbb, 6]
  const four = { ...flow, source: parseAddress('192.0.2.1'), destination: parseAddress('198.51.100.2') }
  assert.equal(hashFlow(four, key), sipHash13(Uint8Array.of(192, 0, 2, 1, 198, 51, 100, 2, ...ports), key))
  const six = { ...flow, source: parseAddress('::1'), destination: parseAddress('::2') }
  const one = (last: number) => [...new Uint8Array(15), last]
  assert.equal(hashFlow(six, key), sipHash13(Uint8Array.of(...one(1), ...one(2), ...ports), key))
})
