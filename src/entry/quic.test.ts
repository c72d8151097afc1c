import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { quicConnectionId, serverIdIn } from './quic.ts'

test('quicConnectionId() says its length, then the server id, then the nonce', () => {
  const id = quicConnectionId({ serverId: 0x1234, nonce: Uint8Array.of(9, 8, 7, 6) })
  assert.deepEqual([...id], [6, 0x12, 0x34, 9, 8, 7, 6])
})

test('quicConnectionId() gives each connection another nonce', () => {
  const ids = Array.from({ length: 100 }, () => Buffer.from(quicConnectionId({ serverId: 1 })).toString('hex'))
  assert.equal(new Set(ids).size, 100)
})

test('serverIdIn() reads what quicConnectionId() wrote', () => {
  const nonces = fc.uint8Array({ minLength: 4, maxLength: 17 })
  fc.assert(
    fc.property(fc.nat(0xffff), nonces, (serverId, nonce) => {
      assert.equal(serverIdIn(quicConnectionId({ serverId, nonce })), serverId)
    }),
  )
})

test('serverIdIn() reads nothing in ids of others', () => {
  assert.equal(serverIdIn(new Uint8Array(0)), undefined)
  assert.equal(serverIdIn(Uint8Array.of(5, 0, 1, 9, 9, 9)), undefined)
  assert.equal(serverIdIn(Uint8Array.of(6, 0, 1, 9, 9, 9)), undefined)
  assert.equal(serverIdIn(Uint8Array.of(0x26, 0, 1, 9, 9, 9, 9)), undefined)
})

test('quicConnectionId() refuses server ids and nonces that do not fit', () => {
  for (const serverId of [-1, 65_536, 1.5])
    assert.throws(() => quicConnectionId({ serverId }), { code: 'SEAWALL_INPUT' })
  for (const length of [0, 3, 18])
    assert.throws(() => quicConnectionId({ serverId: 1, nonce: new Uint8Array(length) }), /wanted 4 to 17/)
})
