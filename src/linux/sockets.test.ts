import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseListener } from './sockets.ts'

test('parseListener() reads both families', () => {
  assert.deepEqual(parseListener('udp   UNCONN 0      0         192.0.2.53:53         0.0.0.0:*'), {
    protocol: 'udp',
    address: '192.0.2.53',
    port: 53,
  })
  assert.deepEqual(parseListener('tcp   LISTEN 0      511    [2001:db8:53::53]:80           [::]:*'), {
    protocol: 'tcp',
    address: '2001:db8:53::53',
    port: 80,
  })
})

test('parseListener() reads any address, and one with an interface', () => {
  assert.equal(parseListener('tcp LISTEN 0 511 *:80 *:*')?.address, '*')
  assert.equal(parseListener('udp UNCONN 0 0 10.0.0.1%eth0:68 0.0.0.0:*')?.address, '10.0.0.1')
})

test('parseListener() skips what is no socket', () => {
  assert.equal(parseListener(''), undefined)
  assert.equal(parseListener('nl UNCONN 0 0 rtnl:kernel *'), undefined)
})
