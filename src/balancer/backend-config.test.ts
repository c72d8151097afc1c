import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mistakesOf, read } from '../../tests/support/balancer-config.ts'
import { serverIdOf } from './server-id.ts'

const mistakes = (backends: unknown) => mistakesOf({ backends })

test('readBackends keeps the order of the configuration', () => {
  const backends = { b: '10.0.1.2', a: { address: 'fd00::1', weight: 0 }, 'rack-1.c': '10.0.1.3' }
  assert.deepEqual(
    read({ backends }).backends.map(({ name, weight }) => [name, weight]),
    [
      ['b', 1],
      ['a', 0],
      ['rack-1.c', 1],
    ],
  )
})

test('readBackends refuses what is no object of backends, and more than there is room for', () => {
  const wanted = 'backends: an object of backends, such as { edge1: "10.0.1.2", edge2: "10.0.1.3" }'
  for (const value of ['10.0.1.2', ['10.0.1.2'], null]) assert.deepEqual(mistakes(value), [wanted])
  assert.deepEqual(mistakes({}), ['backends: found 0, wanted 1 to 1023 backends'])
  const many = Array.from({ length: 1024 }, (_, index) => [
    `edge${index}`,
    { address: `10.0.${index >> 8}.${index & 255}`, serverId: index },
  ])
  assert.deepEqual(mistakesOf({ backends: Object.fromEntries(many), buckets: 2048 }), [
    'backends: found 1024, wanted 1 to 1023 backends',
  ])
  assert.equal(read({ backends: Object.fromEntries(many.slice(1)), buckets: 1024 }).backends.length, 1023)
})

test('readBackends refuses names that a program would put in another order, or that do not fit', () => {
  const wanted = 'a name of letters, digits, ".", "_" and "-", at most 63 characters, not of digits alone'
  assert.deepEqual(mistakes({ 12: '10.0.1.2', 'a b': '10.0.1.3', ['x'.repeat(64)]: '10.0.1.4', '-': '10.0.1.5' }), [
    `backends.12: ${wanted}`,
    `backends.a b: ${wanted}`,
    `backends.${'x'.repeat(64)}: ${wanted}`,
    `backends.-: ${wanted}`,
  ])
})

test('readBackends refuses what is no address', () => {
  assert.deepEqual(mistakes({ a: '10.0.1', b: { address: '10.0.1.0/24' }, c: { weight: 1 }, d: 7, e: ['10.0.1.2'] }), [
    'backends.a: an address such as "10.0.1.2" or "fd00::2"',
    'backends.b.address: an address such as "10.0.1.2" or "fd00::2"',
    'backends.c.address: an address such as "10.0.1.2" or "fd00::2"',
    'backends.d: an address such as "10.0.1.2", or { address, weight, serverId }',
    'backends.e: an address such as "10.0.1.2", or { address, weight, serverId }',
  ])
})

test('readBackends refuses addresses to which no other machine can send', () => {
  for (const [address, why] of [
    ['0.0.0.0', 'this network'],
    ['127.0.0.1', 'loopback'],
    ['239.1.2.3', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'no address'],
    ['::1', 'loopback'],
    ['::ffff:10.0.1.2', 'IPv4 written as IPv6'],
    ['fe80::1', 'link-local'],
    ['ff02::1', 'multicast'],
  ])
    assert.deepEqual(mistakes({ a: address }), [
      `backends.a: an address that other machines can send packets to (it is ${why})`,
    ])
})

test('readBackends refuses weights and server ids out of their range, and keys that it does not know', () => {
  const address = '10.0.1.2'
  for (const weight of [-1, Number.NaN, Number.POSITIVE_INFINITY, 1_000_001, '2'])
    assert.deepEqual(mistakes({ a: { address, weight } }), ['backends.a.weight: a number from 0 to 1000000'])
  for (const serverId of [-1, 65_536, 1.5, '7'])
    assert.deepEqual(mistakes({ a: { address, serverId } }), ['backends.a.serverId: a whole number from 0 to 65535'])
  assert.deepEqual(mistakes({ a: { address, wieght: 2 } }), [
    'backends.a.wieght: one of address, weight, serverId (did you mean "weight"?)',
  ])
})

test('readBackends refuses two backends of one address, however it is written', () => {
  assert.deepEqual(mistakes({ a: 'fd00::2', b: { address: 'fd00:0::2' }, c: '10.0.1.2', d: '10.0.1.2' }), [
    'backends.b.address: another address than that of a (backends are different machines)',
    'backends.d: another address than that of c (backends are different machines)',
  ])
})

test('readBackends refuses two backends of one server id, given or made of a name', () => {
  const remedy = '(set serverId of one of them to a number that no other has)'
  const [first, second] = namesOfOneServerId()
  const id = serverIdOf(first)
  assert.deepEqual(mistakes({ [first]: '10.0.1.2', [second]: '10.0.1.3' }), [
    `backends.${second}: found server id ${id}, which is made of its name, wanted another server id than that of ${first} ${remedy}`,
  ])
  assert.deepEqual(mistakes({ [first]: '10.0.1.2', b: { address: '10.0.1.3', serverId: id } }), [
    `backends.b.serverId: found server id ${id}, wanted another server id than that of ${first} ${remedy}`,
  ])
  assert.deepEqual(mistakes({ [first]: { address: '10.0.1.2', serverId: 1 }, [second]: '10.0.1.3' }), [])
})

test('serverIdOf is the start of a SHA-256, so that others can compute it', () => {
  // printf edge1 | sha256sum
  assert.equal(serverIdOf('edge1'), 0xb4ba)
})

/** Two names that hash to one id. */
function namesOfOneServerId(): [string, string] {
  const names = new Map<number, string>()
  for (let number = 1; ; number++) {
    const name = `edge${number}`
    const other = names.get(serverIdOf(name))
    if (other !== undefined) return [other, name]
    names.set(serverIdOf(name), name)
  }
}
