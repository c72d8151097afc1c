import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GenerationStatus } from '../../src/dispatch/index.ts'
import { LiveDispatch } from '../../src/dispatch/live.ts'
import { descriptorOf } from '../../src/linux/node-sockets.ts'
import { udpSocketIn } from '../support/sockets.ts'
import { DispatchWorld } from './dispatch-world.ts'

const refused = (message: RegExp) => ({ code: 'SEAWALL_INPUT', message })

const brief = ({ number, state, sockets }: GenerationStatus) => [number, state, sockets.length]

test('Dispatch.promote() has the next run of a server get what is new, and promote(previous) the one before', async () => {
  await using world = new DispatchWorld()
  await world.bind('web tcp 192.0.2.0/24 any', 'web udp 2001:db8::/48 53')
  const one = await world.answer('one', 'tcp:127.0.0.1:8001', 'udp:[::1]:53')
  assert.equal((await world.register('web', one)).works, true)
  const two = await world.answer('two', 'tcp:127.0.0.2:8001', 'group:udp:[::1]:54')
  const registered = await world.register('web', two, 'new')
  assert.deepEqual([registered.generation, registered.works], [2, false])
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'one')
  assert.deepEqual((await world.dispatch.generations()).map(brief), [
    [1, 'works', 2],
    [2, 'waits', 3],
  ])
  assert.deepEqual(await world.dispatch.promote('web'), { label: 'web', generation: 2, before: 1 })
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'two')
  assert.deepEqual(await world.dispatch.promote('web', 'previous'), { label: 'web', generation: 1, before: 2 })
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'one')
  await world.dispatch.promote('web', 2)
  await world.stop(one)
  await assert.rejects(
    world.dispatch.promote('web', 1),
    refused(/Cannot promote generation 1 of "web": it has no open/),
  )
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'two')
  assert.deepEqual(await world.dispatch.drain('web', 2), { label: 'web', before: 2 })
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'refused')
})

test('Dispatch.promote() refuses a generation that is not there or is not complete, and changes nothing', async () => {
  await using world = new DispatchWorld()
  await world.bind('web tcp 192.0.2.0/24 any', 'web tcp 2001:db8::/48 any')
  const one = await world.answer('one', 'tcp:127.0.0.1:8001', 'tcp:[::1]:8001')
  await world.register('web', one)
  for (const [promotion, message] of [
    ['newest', /none waits, wanted one that is registered/],
    ['previous', /none worked before/],
    [7, /Cannot find generation 7 of "web": there are 1 /],
  ] as const)
    await assert.rejects(world.dispatch.promote('web', promotion), refused(message))
  const half = await world.answer('half', 'tcp:127.0.0.2:8001')
  await world.register('web', half, 'new')
  const incomplete = /generation 2 of "web": it has no socket for tcp over IPv6, wanted one, as generation 1 has/
  await assert.rejects(world.dispatch.promote('web'), refused(incomplete))
  await assert.rejects(world.register('web', half, 'new'), refused(/generation 2 has this socket already/))
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'one')
  const rest = await world.answer('rest', 'tcp:[::1]:8002')
  await assert.rejects(world.register('web', rest, 9), refused(/Cannot find generation 9/))
  assert.equal((await world.register('web', rest, 2)).generation, 2)
  await world.dispatch.promote('web')
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'half')
  assert.equal(await world.ask('tcp', '2001:db8::1', 80), 'rest')
})

/** More than there are numbers for in udpgrm. */
const MANY = 70

test(`of ${MANY} generations that all drain none gets anything new`, async () => {
  await using world = new DispatchWorld()
  await world.bind('game udp 192.0.2.0/24 1001-1020')
  const received: number[] = []
  const client = udpSocketIn(world.netns, 0, '0.0.0.0')
  const sockets = Array.from({ length: MANY }, (_, index) => {
    const socket = udpSocketIn(world.netns, 9_000 + index, '127.0.0.1')
    socket.on('message', () => received.push(index))
    return socket
  })
  try {
    for (const [index, socket] of sockets.entries()) {
      const open = [{ fd: descriptorOf(socket) }]
      assert.equal((await world.dispatch.register('game', open, 'new')).generation, index + 1)
      await world.dispatch.promote('game')
      for (let n = 1; n <= 20; n++) client.send('hello', 1_000 + n, `192.0.2.${n}`)
      while (received.length < 20) await new Promise((resolve) => setTimeout(resolve, 1))
      assert.deepEqual(new Set(received.splice(0)), new Set([index]))
    }
    const states = (await world.dispatch.generations()).map(({ state }) => state)
    assert.deepEqual(states, [...Array(MANY - 1).fill('drains'), 'works'])
  } finally {
    for (const socket of [client, ...sockets]) socket.close()
  }
  await world.bind('other tcp 192.0.2.0/24 any')
  assert.deepEqual(await world.dispatch.generations(), [])
  const socket = udpSocketIn(world.netns, 9_000, '127.0.0.1')
  try {
    assert.equal((await world.dispatch.register('game', [{ fd: descriptorOf(socket) }])).generation, MANY + 1)
  } finally {
    socket.close()
  }
})

test('generations whose servers have ended give back their places, though nobody binds anything', async () => {
  await using world = new DispatchWorld()
  await world.bind('game udp 192.0.2.0/24 1001-1020')
  for (let restart = 1; restart <= 300; restart++) {
    const socket = udpSocketIn(world.netns, 9_000, '127.0.0.1')
    const { generation } = await world.dispatch.register('game', [{ fd: descriptorOf(socket) }], 'new')
    assert.equal((await world.dispatch.promote('game')).generation, generation)
    assert.equal(generation, restart)
    socket.close()
  }
  using live = LiveDispatch.require(world.paths)
  const [destination] = live.directory.destinations
  assert.ok(destination!.shares.length < 100, `${destination!.shares.length} places`)
})

test('Dispatch.generations() counts the connections that clients have with a server and its children', async () => {
  await using world = new DispatchWorld()
  await world.bind('web tcp 192.0.2.0/24 any')
  const server = await world.serve('python3', ['-c', FORKED])
  await world.register('web', server)
  await world.serve('python3', ['-c', CLIENTS])
  const counts = async () =>
    (await world.dispatch.generations()).map(({ number, connections }) => [number, connections])
  while ((await counts())[0]?.[1] !== 20) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(await counts(), [[1, 20]])
  assert.equal((await world.dispatch.generations())[0]!.processes[0], server.pid)
})

const FORKED = `
import os, socket
listener = socket.socket()
listener.bind(('127.0.0.1', 8001))
listener.listen(64)
print('ready', flush=True)
parent = os.getpid()
os.fork()
connections = []
while os.getppid() == parent or os.getpid() == parent:
    listener.settimeout(1)
    try:
        connections.append(listener.accept())
    except TimeoutError:
        pass
`

const CLIENTS = `
import socket, sys
connections = [socket.create_connection((f'192.0.2.{n}', 80 + n)) for n in range(1, 21)]
print('ready', flush=True)
sys.stdin.read()
`
