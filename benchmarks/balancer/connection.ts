import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { ipBatch } from '../../src/linux/interface.ts'
import { start } from '../../src/linux/process.ts'
import { FLOW } from './cases.ts'

/** A server and its client, who are connected and say nothing. */
const SCRIPT = `
const { createServer, connect } = require('node:net')
const { address, port, peer, peerPort } = JSON.parse(process.argv[1])
createServer((socket) => socket.resume()).listen(port, address, () => {
  const client = connect({ host: address, port, localAddress: peer, localPort: peerPort }, () => console.log('connected'))
  client.resume()
})`

/** A process in a namespace that has the connection of {@link FLOW}. */
export async function connectionIn(netns: string): Promise<ChildProcess> {
  ipBatch(
    netns,
    [FLOW.address, FLOW.peer].map((address) => `address add ${address}/32 dev lo`),
  )
  const child = start(process.execPath, ['-e', SCRIPT, JSON.stringify(FLOW)], {
    netns,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout!, 'data')
  return child
}
