import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { readServerSockets } from './socket-table.ts'
import { readTcpSockets } from './tcp-sockets.ts'

test('readTcpSockets() tells of sockets that listen, of both families, what the table of the kernel does', async (t) => {
  for (const host of ['127.0.0.1', '::1']) {
    const server = createServer().listen(0, host)
    t.after(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const [found, ...more] = readTcpSockets('listen')!.filter((socket) => socket.port === port)
    assert.deepEqual([found?.address, found?.waiting, more], [host, 0, []])
    const known = readServerSockets(null).find((socket) => socket.inode === found?.inode)
    const { address, inode, waiting } = found!
    assert.deepEqual(known, { protocol: 'tcp', address, port, state: 'listen', inode, waiting })
  }
})
