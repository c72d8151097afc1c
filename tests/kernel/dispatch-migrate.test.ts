import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { readServerSockets } from '../../src/linux/socket-table.ts'
import { writeSysctl } from '../../src/linux/sysctl.ts'
import { DispatchWorld } from './dispatch-world.ts'

// What becomes of connections that wait to be accepted by a server which ends before it could.

const CLIENTS = 10
const PLACE = 'member:tcp:127.0.0.1:8080'

/** Says who greets a client that has connected, or how its connection ends. */
async function greeting(world: DispatchWorld, host: string): Promise<string> {
  const socket = await world.connect(host, 80)
  return await new Promise((resolve) => {
    socket.once('data', (data) => resolve(String(data)))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}

async function endsWithWaiting(world: DispatchWorld): Promise<string[]> {
  await world.bind('web tcp 192.0.2.0/24 any')
  const old = await world.answer('old', PLACE)
  await world.register('web', old)
  old.kill('SIGSTOP')
  const greetings = Array.from({ length: CLIENTS }, (_, index) => greeting(world, `192.0.2.${1 + index}`))
  const waiting = () => readServerSockets(world.netns).reduce((sum, socket) => sum + socket.waiting, 0)
  while (waiting() < CLIENTS) await new Promise((resolve) => setTimeout(resolve, 10))
  await world.register('web', await world.answer('new', PLACE), 'new')
  await world.dispatch.promote('web')
  assert.equal(await world.ask('tcp', '192.0.2.99', 80), 'new')
  old.kill('SIGKILL')
  await once(old, 'exit')
  return await Promise.all(greetings)
}

for (const [migrate, fate] of [
  ['1', 'new'],
  ['0', 'ECONNRESET'],
] as const)
  test(`connections that wait for a run which is killed get ${fate} with tcp_migrate_req=${migrate}, in a group with SO_REUSEPORT`, async () => {
    await using world = new DispatchWorld()
    writeSysctl(world.netns, 'net.ipv4.tcp_migrate_req', migrate)
    assert.deepEqual(await endsWithWaiting(world), Array(CLIENTS).fill(fate))
  })
