import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTableLine } from './socket-table.ts'

test('parseTableLine() reads address, port, state and inode of IPv4 and IPv6', () => {
  const four = '  1: 0100007F:0035 00000000:0000 07 00000000:0000001A 00:00000000 00000000   0  0 4711 2 0000 0'
  assert.deepEqual(parseTableLine('udp', four), {
    protocol: 'udp',
    address: '127.0.0.1',
    port: 53,
    state: 'open',
    inode: 4711,
    waiting: 26,
  })
  const six = '  0: B80D0120000000000000000001000000:01BB 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 12 1 0'
  assert.deepEqual(parseTableLine('tcp', six), {
    protocol: 'tcp',
    address: '2001:db8::1',
    port: 443,
    state: 'listen',
    inode: 12,
    waiting: 0,
  })
})

test('parseTableLine() knows sockets with a peer, and skips those that no process has', () => {
  const line = (inode: number) => `1: 0100007F:0035 0100007F:1234 01 0:0 0:0 0 0 0 ${inode} 2`
  assert.equal(parseTableLine('udp', line(5))?.state, 'connected')
  assert.equal(parseTableLine('tcp', line(0)), undefined)
  assert.equal(parseTableLine('tcp', ''), undefined)
})
