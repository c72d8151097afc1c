import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePcap } from './compile-pcap.ts'
import { planGuards } from './guards.ts'

const LIMIT = 0xffff

/** The looks at the length, each as `bytes` or `x + bytes`, with the instruction that they stand before. */
const looks = (text: string): string[] =>
  planGuards(compilePcap(text), LIMIT).flatMap((guard, place) => {
    if (!guard) return []
    const { bytes, fromIndex } = guard
    return [...(bytes > 0 ? [`${place}: ${bytes}`] : []), ...(fromIndex > 0 ? [`${place}: x + ${fromIndex}`] : [])]
  })

test('planGuards() looks once for all loads that every way makes, and again where a way needs more', () => {
  assert.deepEqual(looks('ip src 10.0.0.1 and ip dst 10.0.0.2'), ['0: 34'])
  assert.deepEqual(looks('ip src 10.0.0.1 or ether[100] = 1'), ['0: 30', '4: 101'])
  assert.deepEqual(looks('len > 60'), [])
})

test('planGuards() looks once for all loads behind a header', () => {
  assert.deepEqual(looks('ip and udp src port 53 and udp dst port 53'), ['0: 24', '7: x + 18'])
  assert.deepEqual(looks('tcp[((tcp[12] & 0xf0) >> 2):4] = 1'), ['0: 24', '7: x + 27', '12: x + 18'])
})

test('planGuards() leaves out what cannot accept', () => {
  const kept = (text: string): boolean[] => planGuards(compilePcap(text), LIMIT).map((guard) => guard !== undefined)
  assert.deepEqual(kept('ether[70000] = 1'), [false, false, false, false])
  assert.deepEqual(kept('len > 60'), [true, true, true, false])
})
