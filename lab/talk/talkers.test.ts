import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { startTalkServer } from './talkers.ts'

test('startTalkServer() rejects with what the server said that cannot listen', async () => {
  const taken = createServer().listen(0, '::')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  try {
    await assert.rejects(startTalkServer(null, 'edge1', port), /it ended with 1: .*EADDRINUSE/s)
  } finally {
    taken.close()
  }
})
