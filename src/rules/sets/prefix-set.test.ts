import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyPrefix, edges, nearbyPrefixes } from '../../../tests/arbitraries/prefix.ts'
import { formatPrefix, type Prefix, parsePrefix, prefixContains } from '../../net/prefix.ts'
import { PrefixSet } from './prefix-set.ts'

const set = (...texts: string[]): PrefixSet => new PrefixSet(texts.map(parsePrefix))
const texts = (of: PrefixSet): string[] => [...of].map(formatPrefix)

test('PrefixSet keeps each prefix once, sorted by family, address and length', () => {
  const prefixes = set(
    '10.1.0.0/16',
    '2001:db8::/32',
    '10.0.0.0/8',
    '10.1.0.0/16',
    '255.255.255.255',
    '::/0',
    '10.0.0.0/9',
  )
  assert.deepEqual(texts(prefixes), [
    '10.0.0.0/8',
    '10.0.0.0/9',
    '10.1.0.0/16',
    '255.255.255.255/32',
    '::/0',
    '2001:db8::/32',
  ])
  assert.equal(prefixes.size, 6)
})

test('PrefixSet.add and delete say whether they changed anything', () => {
  const prefixes = set('192.0.2.0/24')
  assert.equal(prefixes.add(parsePrefix('192.0.2.0/24')), false)
  assert.equal(prefixes.add(parsePrefix('192.0.2.0/25')), true)
  assert.equal(prefixes.delete(parsePrefix('192.0.2.0/26')), false)
  assert.equal(prefixes.delete(parsePrefix('192.0.2.0/24')), true)
  assert.deepEqual(texts(prefixes), ['192.0.2.0/25'])
})

test('PrefixSet.includes sees through overlaps, at both ends of the address space', () => {
  const prefixes = set('0.0.0.0/32', '255.255.255.255/32', '10.0.0.0/8', '10.1.2.3/32', 'ffff::/16')
  const includes = (text: string) => {
    const { family, value } = parsePrefix(text)
    return prefixes.includes({ family, value })
  }
  for (const inside of ['0.0.0.0', '255.255.255.255', '10.0.0.0', '10.255.255.255', '10.1.2.3', 'ffff::1'])
    assert.equal(includes(inside), true, inside)
  for (const outside of ['0.0.0.1', '255.255.255.254', '9.255.255.255', '11.0.0.0', '::', 'fffe::1'])
    assert.equal(includes(outside), false, outside)
})

test('PrefixSet agrees with a list of prefixes through any changes', () => {
  const change = fc.record({ add: fc.boolean(), prefix: nearbyPrefixes })
  fc.assert(
    fc.property(fc.array(anyPrefix, { maxLength: 40 }), fc.array(change, { maxLength: 40 }), (first, changes) => {
      const model = new Map(first.map((prefix) => [formatPrefix(prefix), prefix]))
      const prefixes = new PrefixSet(first)
      for (const { add, prefix } of changes) {
        const text = formatPrefix(prefix)
        assert.equal(prefixes.has(prefix), model.has(text))
        if (add) assert.equal(prefixes.add(prefix), !model.has(text))
        else assert.equal(prefixes.delete(prefix), model.has(text))
        if (add) model.set(text, prefix)
        else model.delete(text)
      }
      assert.deepEqual(texts(prefixes).sort(), [...model.keys()].sort())
      for (const address of edges([...first, ...changes.map(({ prefix }) => prefix)]))
        assert.equal(prefixes.includes(address), naive(model.values(), address))
    }),
  )
})

function naive(prefixes: Iterable<Prefix>, address: { family: 4 | 6; value: bigint }): boolean {
  for (const prefix of prefixes) if (prefixContains(prefix, address)) return true
  return false
}

test('PrefixSet.addAll sorts many as it does few', () => {
  for (const family of [4, 6] as const) {
    const bits = family === 4 ? 32n : 128n
    // Enough for the radix sort; every digit of every word differs somewhere.
    const prefixes = Array.from({ length: 6000 }, (_, i): Prefix => {
      const length = Number(bits) - (i % 20)
      const value = BigInt.asUintN(Number(bits), (BigInt(i) * 0x9e3779b97f4a7c15f39cc0605cedc835n) >> 3n)
      const host = bits - BigInt(length)
      return { family, length, value: (value >> host) << host }
    })
    const sorted = [...new PrefixSet([...prefixes, ...prefixes])]
    const expected = [...new Map(prefixes.map((prefix) => [formatPrefix(prefix), prefix])).values()]
    expected.sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : a.length - b.length))
    assert.deepEqual(sorted, expected)
  }
})
