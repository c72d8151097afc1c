import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startUdpServer } from './udp-server.ts'

test('startUdpServer() rejects with what the process said that does not have the address', async () => {
  const server = { netns: null, name: 'edge1', address: '192.0.2.53', port: 4_433, connected: false }
  await assert.rejects(startUdpServer(server), /it ended with 1: .*EADDRNOTAVAIL/s)
})
