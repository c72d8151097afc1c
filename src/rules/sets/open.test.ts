import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyPrefix, edges, nearbyPrefixes } from '../../../tests/arbitraries/prefix.ts'
import { type Prefix, parsePrefix } from '../../net/prefix.ts'
import { type BuildOptions, buildSet, SECRET_BYTES } from './build.ts'
import { type LiveSet, openSet } from './open.ts'
import { PrefixSet } from './prefix-set.ts'

function open(set: PrefixSet, options?: BuildOptions): LiveSet {
  const built = buildSet(set, options)
  const view = new Uint8Array(built.geometry.bytes)
  built.write(view)
  return openSet(view, built.geometry)
}

const guideBits = fc.constantFrom(16, 20, 24)
const secret = fc.uint8Array({ minLength: SECRET_BYTES, maxLength: SECRET_BYTES })

test('buildSet lays out what the set includes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(anyPrefix, nearbyPrefixes), { maxLength: 60 }),
      guideBits,
      secret,
      (list, bits, key) => {
        const set = new PrefixSet(list)
        const live = open(set, { guideBits: bits, secret: key })
        for (const address of edges(list)) assert.equal(live.includes(address), set.includes(address))
      },
    ),
    { numRuns: 60 },
  )
})

test('openSet changes the memory in place as the set changes', () => {
  const change = fc.record({ add: fc.boolean(), prefix: nearbyPrefixes })
  const changes = fc.array(change, { minLength: 1, maxLength: 120 })
  fc.assert(
    fc.property(fc.array(nearbyPrefixes, { maxLength: 20 }), changes, guideBits, secret, (first, list, bits, key) => {
      const set = new PrefixSet(first)
      const live = open(set, { guideBits: bits, secret: key, headroom: 200 })
      for (const { add, prefix } of list) apply(live, set, add, prefix)
      for (const address of edges([...first, ...list.map(({ prefix }) => prefix)]))
        assert.equal(live.includes(address), set.includes(address))
    }),
    { numRuns: 60 },
  )
})

function apply(live: LiveSet, set: PrefixSet, add: boolean, prefix: Prefix): void {
  if (add) {
    set.add(prefix)
    assert.notEqual(live.add(prefix), 'full')
  } else if (set.delete(prefix)) {
    live.delete(prefix, set)
  }
}

test('LiveSet.add says what became of a prefix, and refuses what is beyond its room', () => {
  const live = open(new PrefixSet(), { headroom: 3 })
  const hosts = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'].map(parsePrefix)
  assert.deepEqual(
    hosts.map((host) => live.add(host)),
    ['added', 'added', 'added', 'full'],
  )
  assert.equal(live.add(hosts[0]!), 'present')
  assert.deepEqual(live.room, { table4: 0, narrow6: 3, wide6: 3 })
  assert.equal(live.includes(hosts[3]!), false)
  assert.equal(live.add(parsePrefix('192.0.0.0/16')), 'added', 'short prefixes need no room')
})

test('LiveSet.delete makes room again', () => {
  const set = new PrefixSet()
  const live = open(set, { headroom: 1 })
  for (let i = 0; i < 5000; i++) {
    const host: Prefix = { family: 6, value: BigInt(i) << 70n, length: 58 }
    assert.equal(live.add(host), 'added')
    assert.equal(live.delete(host, set), true)
    assert.equal(live.includes(host), false)
  }
})

test('LiveSet holds as many elements as it has room for', () => {
  const set = new PrefixSet()
  const live = open(set, { headroom: 20_000 })
  const prefixes = Array.from({ length: 20_000 }, (_, i): Prefix[] => [
    { family: 4, value: BigInt(Math.imul(i, 0x9e37_79b1) >>> 0), length: 32 },
    { family: 6, value: (0x2001n << 112n) + (BigInt(i) << 64n), length: 64 },
    { family: 6, value: (0x2001n << 112n) + BigInt(i), length: 128 },
  ]).flat()
  for (const prefix of prefixes) assert.equal(live.add(prefix), 'added')
  for (const prefix of prefixes) assert.ok(live.includes(prefix))
  assert.deepEqual(live.room, { table4: 0, narrow6: 0, wide6: 0 })
})

test('LiveSet.delete of a covering prefix shows what lies below it', () => {
  const set = new PrefixSet(['10.0.0.0/8', '10.1.0.0/16', '10.2.3.0/24', '10.2.4.5', '10.2.4.128/25'].map(parsePrefix))
  const live = open(set, { guideBits: 24 })
  const wide = parsePrefix('10.0.0.0/8')
  set.delete(wide)
  assert.equal(live.delete(wide, set), true)
  const seen = (text: string) => live.includes(parsePrefix(text))
  for (const inside of ['10.1.2.3', '10.2.3.4', '10.2.4.5', '10.2.4.200']) assert.equal(seen(inside), true, inside)
  for (const outside of ['10.0.0.1', '10.2.4.6', '10.2.5.5', '10.3.0.0']) assert.equal(seen(outside), false, outside)
})

test('LiveSet.add makes a change again that was broken off at any byte', () => {
  for (const text of ['192.0.2.1', '10.0.0.0/9', '2001:db8::1', '2001:db8::/48', '2001:d00::/24']) {
    const { geometry, write } = buildSet(new PrefixSet())
    const before = new Uint8Array(geometry.bytes)
    write(before)
    const after = before.slice()
    const prefix = parsePrefix(text)
    openSet(after, geometry).add(prefix)
    const changed = [...after.keys()].filter((at) => before[at] !== after[at])
    for (const missing of [changed, ...changed.slice(0, 40).map((at) => [at])]) {
      const broken = after.slice()
      for (const at of missing) broken[at] = before[at]!
      const live = openSet(broken, geometry)
      assert.notEqual(live.add(prefix), 'full')
      assert.ok(live.includes(prefix), `${text} without byte ${missing[0]}`)
    }
  }
})

test('openSet refuses memory of another size or layout', () => {
  const { geometry } = buildSet(new PrefixSet())
  assert.throws(() => openSet(new Uint8Array(64), geometry), /has 64 bytes, wanted \d+/)
  const other = { ...geometry, version: 0 } as unknown as typeof geometry
  assert.throws(() => openSet(new Uint8Array(geometry.bytes), other), /version 0, wanted 1/)
})

test('buildSet refuses what no program could read', () => {
  assert.throws(() => buildSet(new PrefixSet(), { headroom: 40_000_000 }), /takes \d+ MiB, wanted at most 512/)
})

test('SetGeometry survives JSON', () => {
  const { geometry } = buildSet(new PrefixSet([parsePrefix('2001:db8::/32')]))
  assert.deepEqual(JSON.parse(JSON.stringify(geometry)), geometry)
})
