import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from '../net/address.ts'
import { formatMatch, type Protocol, parseMatch } from './binding.ts'
import { findBindings } from './find-binding.ts'

const bindings = [
  'tcp 192.0.2.0/24 any',
  'tcp 192.0.2.0/24 1-1023',
  'tcp 192.0.2.0/24 443',
  'tcp 192.0.2.128/25 80',
  'tcp 0.0.0.0/0 any',
  'udp ::/0 any',
].map(parseMatch)

const winner = (protocol: Protocol, address: string, port: number) =>
  findBindings(bindings, { protocol, address: parseAddress(address), port }).map(formatMatch)[0]

test('findBindings() has the longest prefix win that has the port, then a single port over a range over any', () => {
  assert.equal(winner('tcp', '192.0.2.1', 443), 'tcp 192.0.2.0/24 443')
  assert.equal(winner('tcp', '192.0.2.1', 80), 'tcp 192.0.2.0/24 1-1023')
  assert.equal(winner('tcp', '192.0.2.1', 8080), 'tcp 192.0.2.0/24 any')
  assert.equal(winner('tcp', '192.0.2.129', 80), 'tcp 192.0.2.128/25 80')
  assert.equal(winner('tcp', '192.0.2.129', 443), 'tcp 192.0.2.0/24 443')
  assert.equal(winner('tcp', '192.0.3.1', 443), 'tcp 0.0.0.0/0 any')
  assert.equal(winner('udp', '192.0.2.1', 443), undefined)
  assert.equal(winner('udp', '2001:db8::1', 53), 'udp ::/0 any')
})

test('findBindings() gives all that match, the most specific first', () => {
  const target = { protocol: 'tcp', address: parseAddress('192.0.2.1'), port: 443 } as const
  assert.deepEqual(findBindings(bindings, target).map(formatMatch), [
    'tcp 192.0.2.0/24 443',
    'tcp 192.0.2.0/24 1-1023',
    'tcp 192.0.2.0/24 any',
    'tcp 0.0.0.0/0 any',
  ])
})
