import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import { descriptorOf } from './node-sockets.ts'
import { readSocketFacts } from './socket-facts.ts'

test('readSocketFacts() tells of a UDP socket where it is bound, and whether it is connected', async (t) => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  t.after(() => socket.close())
  await once(socket, 'listening')
  const { cookie, netns: _, ...facts } = readSocketFacts(descriptorOf(socket))!
  const { port } = socket.address()
  const bound = { protocol: 'udp', family: 4, dualStack: false, sharesPort: false, address: '127.0.0.1', port }
  assert.deepEqual(facts, { ...bound, state: 'open' })
  socket.connect(9, '127.0.0.1')
  await once(socket, 'connect')
  const after = readSocketFacts(descriptorOf(socket))!
  assert.deepEqual([after.state, after.cookie], ['connected', cookie])
})

test('readSocketFacts() tells a TCP socket that listens from one that is connected', async () => {
  const server = createServer().listen(0, '::1')
  await once(server, 'listening')
  const client = connect((server.address() as { port: number }).port, '::1')
  await once(client, 'connect')
  const [listening, connected] = [readSocketFacts(descriptorOf(server))!, readSocketFacts(descriptorOf(client))!]
  assert.deepEqual([listening.state, listening.family, listening.address], ['listen', 6, '::1'])
  assert.deepEqual([connected.protocol, connected.state], ['tcp', 'connected'])
  client.destroy()
  server.close()
})

test('readSocketFacts() knows nothing of what is no socket', () => {
  const file = openSync('/dev/null', 'r')
  assert.equal(readSocketFacts(file), undefined)
  closeSync(file)
})
