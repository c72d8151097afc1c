import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, openSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { PLACES } from '../../src/dispatch/directory.ts'
import { readBinding } from '../../src/dispatch/index.ts'
import { dispatchFolder } from '../../src/dispatch/pins.ts'
import { listFolder } from '../../src/entry/pins.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { descriptorOf } from '../../src/linux/node-sockets.ts'
import { udpSocketIn } from '../support/sockets.ts'
import { DispatchWorld } from './dispatch-world.ts'

test('Dispatch gives connections and datagrams of a prefix to the socket of its label, over IPv4 and IPv6', async () => {
  await using world = new DispatchWorld()
  const web = await world.answer('web', 'tcp:127.0.0.1:8080', 'tcp:[::1]:8080', 'udp:127.0.0.1:53', 'udp:[::1]:53')
  await world.bind(
    'web tcp 192.0.2.0/24 any',
    'web tcp 2001:db8::/48 any',
    'web udp 192.0.2.0/24 53',
    'web udp 2001:db8::/48 53',
  )
  assert.equal(await world.ask('tcp', '192.0.2.7', 80), 'refused')
  const registered = await world.register('web', web)
  assert.equal(registered.sockets.length, 4)
  for (const [protocol, address, port] of [
    ['tcp', '192.0.2.7', 80],
    ['tcp', '192.0.2.200', 65_535],
    ['tcp', '2001:db8::7', 443],
    ['udp', '192.0.2.7', 53],
    ['udp', '2001:db8:0:ffff::1', 53],
  ] as const)
    assert.equal(await world.ask(protocol, address, port), 'web', `${protocol} ${address} ${port}`)
  assert.equal(await world.ask('udp', '192.0.2.7', 54), 'refused')
  assert.equal(await world.ask('tcp', '198.51.100.1', 80), 'refused')
  const { destinations } = world.dispatch.status()
  assert.deepEqual(
    destinations.map(({ protocol, family, dispatched, missing }) => [protocol, family, dispatched, missing]),
    [
      ['tcp', 4, 2, 1],
      ['tcp', 6, 1, 0],
      ['udp', 4, 1, 0],
      ['udp', 6, 1, 0],
    ],
  )
  const bindings = await world.dispatch.bindings()
  assert.deepEqual(
    bindings.map(({ prefix, count }) => [prefix, count]),
    [
      ['192.0.2.0/24', 3],
      ['2001:db8::/48', 1],
      ['192.0.2.0/24', 1],
      ['2001:db8::/48', 1],
    ],
  )
})

test('Dispatch.bind() takes prefixes of every length at once, each with a port, a range of ports and all others', async () => {
  await using world = new DispatchWorld()
  const prefixes = [
    ...Array.from({ length: 33 }, (_, length) => `0.0.0.0/${length}`),
    ...Array.from({ length: 129 }, (_, length) => `::/${length}`),
  ]
  await world.bind(...prefixes.flatMap((prefix) => ['80', '100-200', 'any'].map((port) => `web tcp ${prefix} ${port}`)))
  await world.register('web', await world.answer('web', 'tcp:127.0.0.1:8080', 'tcp:[::1]:8080'))
  for (const address of ['192.0.2.1', '198.51.100.1', '2001:db8::1', '2001:db8::8000'])
    for (const port of [80, 150, 443]) assert.equal(await world.ask('tcp', address, port), 'web', `${address} ${port}`)
  const counted = (await world.dispatch.bindings()).filter(({ count }) => count > 0)
  assert.deepEqual(
    counted.map(({ prefix, count }) => [prefix, count]),
    [...Array(3).fill(['0.0.0.0/0', 2]), ...Array(3).fill(['::/2', 2])],
  )
})

test('Dispatch.bind() has the more specific binding win, and moves a binding to another label', async () => {
  await using world = new DispatchWorld()
  for (const [label, port] of [
    ['wide', 8001],
    ['port', 8002],
    ['host', 8003],
    ['range', 8004],
  ] as const)
    await world.register(label, await world.answer(label, `tcp:127.0.0.1:${port}`))
  await world.bind(
    'wide tcp 192.0.2.0/24 any',
    'port tcp 192.0.2.0/24 443',
    'range tcp 192.0.2.0/24 400-500',
    'host tcp 192.0.2.9 any',
  )
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'wide')
  assert.equal(await world.ask('tcp', '192.0.2.1', 443), 'port')
  assert.equal(await world.ask('tcp', '192.0.2.1', 444), 'range')
  assert.equal(await world.ask('tcp', '192.0.2.9', 443), 'host')
  await world.bind('wide tcp 192.0.2.9 any')
  assert.equal(await world.ask('tcp', '192.0.2.9', 443), 'wide')
  await world.unbind('port tcp 192.0.2.0/24 443')
  assert.equal(await world.ask('tcp', '192.0.2.1', 443), 'range')
})

test('a socket of one label never answers for another, whatever ends and registers in whatever order', async () => {
  await using world = new DispatchWorld()
  const first = await world.answer('a', 'tcp:127.0.0.1:8001')
  await world.register('a', first)
  await world.stop(first)
  await world.bind('b tcp 192.0.2.2 80')
  await world.register('a', await world.answer('a', 'tcp:127.0.0.1:8001'))
  assert.equal(await world.ask('tcp', '192.0.2.2', 80), 'refused')
  await world.bind('a tcp 192.0.2.1 80')
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'a')
  assert.equal(await world.ask('tcp', '192.0.2.2', 80), 'refused')
  await world.unbind('a tcp 192.0.2.1 80', 'b tcp 192.0.2.2 80')
  await world.dispatch.unregister({ label: 'a' })
  await world.bind('c tcp 192.0.2.1 80', 'd tcp 192.0.2.2 80')
  await world.register('d', await world.answer('d', 'tcp:127.0.0.1:8002'))
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'refused')
  assert.equal(await world.ask('tcp', '192.0.2.2', 80), 'd')
})

test('while no socket is open, traffic is refused, or passes to what is bound there', async () => {
  await using world = new DispatchWorld()
  await world.answer('bound', 'tcp:0.0.0.0:80')
  await world.dispatch.bind([
    readBinding({ label: 'none', protocol: 'tcp', prefix: '192.0.2.1', port: '80' }),
    readBinding({ label: 'none', protocol: 'tcp', prefix: '192.0.2.2', port: '80', missing: 'pass' }),
  ])
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'refused')
  assert.equal(await world.ask('tcp', '192.0.2.2', 80), 'bound')
  assert.equal(await world.ask('tcp', '192.0.2.3', 80), 'bound')
  assert.equal(world.dispatch.status().destinations[0]!.missing, 2)
})

test('Dispatch.registerProcess() takes a group with SO_REUSEPORT whole, and goes on with what is left of it', async () => {
  await using world = new DispatchWorld()
  const [one, other] = [
    await world.answer('group', 'group:tcp:127.0.0.1:8080'),
    await world.answer('group', 'group:tcp:127.0.0.1:8080'),
  ]
  await world.bind('group tcp 192.0.2.0/24 any')
  assert.equal((await world.register('group', one)).sockets.length, 2)
  await world.register('group', other)
  const again = await world.register('group', one)
  assert.deepEqual(
    again.sockets.map(({ known }) => known),
    [true, true],
  )
  const sockets = () => world.dispatch.status().destinations[0]!.sockets.length
  assert.equal(sockets(), 4)
  await world.stop(one)
  assert.equal(sockets(), 2)
  for (let port = 1; port <= 10; port++) assert.equal(await world.ask('tcp', '192.0.2.1', port), 'group')
})

test('Dispatch.register() refuses what cannot get traffic, and then registers nothing', async () => {
  await using world = new DispatchWorld()
  await using elsewhere = new DispatchWorld()
  using udp = closing(udpSocketIn(world.netns, 5300, '127.0.0.1'))
  using foreign = closing(udpSocketIn(elsewhere.netns, 5300, '127.0.0.1'))
  const good = { fd: descriptorOf(udp.it) }
  const file = openSync('/dev/null', 'r')
  try {
    for (const [fd, message] of [
      [file, /it is something else, wanted a listening TCP socket/],
      [descriptorOf(foreign.it), /it is in another network namespace/],
    ] as const)
      await assert.rejects(world.dispatch.register('x', [good, { fd }]), { code: 'SEAWALL_INPUT', message })
  } finally {
    closeSync(file)
  }
  await new Promise<void>((resolve) => inNetns(world.netns, () => udp.it.connect(9, '127.0.0.1', resolve)))
  await assert.rejects(world.dispatch.register('x', [good]), { message: /it is connected/ })
  await assert.rejects(world.dispatch.register('a b', [good]), { message: /it has spaces/ })
  await assert.rejects(world.dispatch.registerProcess('x', { pid: 4_194_303 }), { code: 'PROCESS_GONE' })
  await assert.rejects(world.dispatch.registerProcess('x', { pid: process.pid, port: 1 }), {
    code: 'SEAWALL_INPUT',
    message: /Cannot find a socket of process \d+ with port 1/,
  })
  assert.throws(() => world.dispatch.status(), { code: 'SEAWALL_NO_DISPATCH' })
})

test('Dispatch.bind() and unbind() refuse conflicts and what is not there, and then change nothing', async () => {
  await using world = new DispatchWorld()
  await world.bind('a tcp 192.0.2.0/24 100-200')
  await assert.rejects(world.bind('b tcp 192.0.2.0/24 200-300', 'b tcp 192.0.2.0/24 7'), { message: /ports overlap/ })
  await assert.rejects(world.bind('b udp ::/0 1', 'c udp ::/0 1'), { message: /it is bound twice/ })
  await assert.rejects(world.unbind('a tcp 192.0.2.0/24 100'), { message: /there is no such binding/ })
  await assert.rejects(world.unbind('b tcp 192.0.2.0/24 100-200'), { message: /it is bound to "a"/ })
  const bindings = await world.dispatch.bindings()
  assert.deepEqual(
    bindings.map(({ label, prefix, port }) => [label, prefix, port]),
    [['a', '192.0.2.0/24', '100-200']],
  )
})

test('Dispatch keeps the state of each network namespace apart, and forgets that of one that is gone', async () => {
  await using world = new DispatchWorld()
  const other = new DispatchWorld({ shared: world.paths })
  await world.bind('a tcp 192.0.2.0/24 80')
  await other.bind('b tcp 192.0.2.0/24 80', 'b tcp 192.0.2.0/24 81')
  assert.deepEqual([world.dispatch.status().bindings, other.dispatch.status().bindings], [1, 2])
  assert.equal(listFolder(dispatchFolder(world.paths)).length, 2)
  await other[Symbol.asyncDispose]()
  await world.bind('a tcp 192.0.2.0/24 82')
  assert.equal(listFolder(dispatchFolder(world.paths)).length, 1)
})

test('Dispatch.unload() leaves sockets what they are bound to', async () => {
  await using world = new DispatchWorld()
  await world.register('web', await world.answer('web', 'tcp:127.0.0.1:8080'))
  await world.bind('web tcp 192.0.2.1 80')
  assert.equal(await world.dispatch.unload(), true)
  assert.equal(await world.dispatch.unload(), false)
  assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'refused')
  assert.equal(await world.ask('tcp', '127.0.0.1', 8080), 'web')
  assert.equal(await world.dispatch.load(), true)
  assert.equal(await world.dispatch.load(), false)
  assert.deepEqual(world.dispatch.status(), { bindings: 0, destinations: [] })
})

function closing<T extends { close(): unknown }>(it: T): Disposable & { readonly it: T } {
  return { it, [Symbol.dispose]: () => void it.close() }
}

test('Dispatch.register() refuses one socket more than a label has room for, and then registers none of them', async () => {
  await using world = new DispatchWorld()
  const sockets = Array.from({ length: PLACES + 1 }, () => udpSocketIn(world.netns, 0, '127.0.0.1'))
  try {
    const open = sockets.map((socket) => ({ fd: descriptorOf(socket) }))
    await world.bind('many udp 192.0.2.1 53')
    await assert.rejects(world.dispatch.register('many', open), { code: 'SEAWALL_FULL', message: /there are 128 open/ })
    assert.equal(world.dispatch.status().destinations[0]!.sockets.length, 0)
    const { sockets: registered } = await world.dispatch.register('many', open.slice(1))
    assert.equal(registered.length, PLACES)
    await assert.rejects(world.dispatch.register('many', open), { code: 'SEAWALL_FULL' })
    assert.equal(world.dispatch.status().destinations[0]!.sockets.length, PLACES)
    sockets.pop()!.close()
    assert.equal((await world.dispatch.register('many', open.slice(0, 1))).sockets[0]!.known, false)
  } finally {
    for (const socket of sockets) socket.close()
  }
})

test('Dispatch says that the network namespace is gone, and that a descriptor is closed', async () => {
  const world = new DispatchWorld()
  const socket = udpSocketIn(world.netns, 5_300, '127.0.0.1')
  const fd = descriptorOf(socket)
  socket.close()
  await new Promise((resolve) => setImmediate(resolve))
  await assert.rejects(world.dispatch.register('x', [{ fd }]), { message: /it is something else/ })
  await world.bind('x udp 192.0.2.1 53')
  await world[Symbol.asyncDispose]()
  assert.equal(world.dispatch.isLoaded(), false)
  // Its lock is in the folder that the world had.
  await assert.rejects(world.bind('x udp 192.0.2.1 53'), { code: 'NETNS_MISSING' })
  rmSync(world.paths.run, { recursive: true })
})

test('a process that dies while its sockets are registered is told, and leaves nothing', async () => {
  await using world = new DispatchWorld()
  await world.bind('web tcp 192.0.2.0/24 any')
  const codes = new Set<unknown>()
  for (let delay = 0; delay < 12; delay++) {
    const server = await world.answer('web', `group:tcp:127.0.0.1:${8_000 + delay}`)
    setTimeout(() => server.kill('SIGKILL'), delay / 4)
    await world.register('web', server).catch(({ code }) => codes.add(code))
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
    assert.equal(await world.ask('tcp', '192.0.2.1', 80), 'refused')
  }
  for (const code of codes)
    assert.ok(['PROCESS_GONE', 'SOCKET_GONE', 'SEAWALL_INPUT'].includes(String(code)), String(code))
  assert.deepEqual(
    world.dispatch.status().destinations.map(({ sockets }) => sockets),
    [[]],
  )
})
