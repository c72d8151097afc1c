import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPrefix, parsePrefix } from '../net/prefix.ts'
import { PrefixSet } from '../rules/sets/index.ts'
import { readSource, sourceBytes, writeSource } from './set-source.ts'

test('readSource returns what writeSource wrote, overlapping prefixes and both families', () => {
  const texts = ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.3/32', '2001:db8::/32', '2001:db8::1/128', '::/0']
  const set = new PrefixSet(texts.map(parsePrefix))
  const bytes = new Uint8Array(sourceBytes(set))
  writeSource(set, bytes)
  assert.deepEqual([...readSource(bytes)].map(formatPrefix), [...set].map(formatPrefix))
})

test('readSource of an empty set is empty', () => {
  const bytes = new Uint8Array(sourceBytes(new PrefixSet()))
  assert.equal(readSource(bytes).size, 0)
})
