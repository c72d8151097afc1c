import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BpfError } from './errors.ts'
import { compilePcapFilter } from './pcap-filter.ts'

const refuses = (words: RegExp) => (error: unknown) =>
  error instanceof BpfError && error.code === 'BPF_EXPRESSION' && words.test(error.message)

test('compilePcapFilter() gives the instructions that libpcap makes for Ethernet', () => {
  assert.deepEqual(compilePcapFilter('ip'), [
    { code: 0x28, jt: 0, jf: 0, k: 12 },
    { code: 0x15, jt: 0, jf: 1, k: 0x0800 },
    { code: 0x06, jt: 0, jf: 0, k: 262_144 },
    { code: 0x06, jt: 0, jf: 0, k: 0 },
  ])
})

test('compilePcapFilter() refuses in the words of libpcap, again and again', () => {
  for (let round = 0; round < 100; round++) {
    assert.throws(() => compilePcapFilter('udp port'), refuses(/^Cannot compile .*: libpcap says ".*syntax error"$/))
    assert.equal(compilePcapFilter('udp port 53').length, 20)
  }
})

test('compilePcapFilter() does not cut a text at a zero byte', () => {
  assert.throws(() => compilePcapFilter('udp\0 or tcp'), refuses(/it holds a zero byte/))
})
