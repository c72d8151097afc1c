import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { test } from 'node:test'
import { ask, CLIENTS, greet, HOST, PORT, said, support, total, UdpgrmWorld, until } from './udpgrm-world.ts'

for (const { host, clients: at } of [
  { host: HOST, clients: [HOST] },
  { host: '2001:db8::7', clients: ['2001:db8::7'] },
  { host: '0.0.0.0', clients: ['127.0.0.1'] },
  { host: '::', clients: ['127.0.0.1', '::1'] },
])
  test(`a server of udpgrm restarts, and its flows stay: ${host}`, async () => {
    await using world = new UdpgrmWorld()
    await world.up()
    const old = await world.server('old', host, 'sockets=2')
    assert.deepEqual(
      [old.working, old.places],
      [
        0,
        [
          [0, 0],
          [0, 1],
        ],
      ],
    )
    const [known, strangers] = [await world.greeters(20_000), await world.greeters(21_000)]
    const greetAll = async (clients: ChildProcess, expected: string) => {
      for (const one of at) assert.deepEqual(await greet(clients, one), { [expected]: CLIENTS })
    }
    await greetAll(known, 'old')
    const fresh = await world.server('new', host, 'sockets=2')
    assert.deepEqual(
      [fresh.working, fresh.places],
      [
        1,
        [
          [1, 0],
          [1, 1],
        ],
      ],
    )
    await greetAll(known, 'old')
    await greetAll(strangers, 'new')
    const { destinations } = world.dispatch.status()
    assert.equal(total(destinations.map(({ noted }) => noted)), 2 * at.length * CLIENTS)
    assert.equal(total(destinations.map(({ missing }) => missing)), 0)
    await world.stop(old.child)
    await greetAll(known, 'new')
    const third = await world.server('third', host, 'wait=no')
    assert.deepEqual(third.places, [[2, 0]])
    await world.works(third.child, host, 2)
    for (const clients of [known, strangers]) await greetAll(clients, 'new')
  })

test('generations are those of a label, and a server may go back to the one before', async () => {
  await using world = new UdpgrmWorld()
  await world.up()
  const old = await world.server('old', HOST, 'generation=7')
  const fresh = await world.server('new', HOST, 'timeout=30', 'work=no', 'sockets=3')
  assert.deepEqual([fresh.working, fresh.places[0]], [7, [8, 0]])
  const label = `udpgrm-${HOST}:${PORT}`
  assert.deepEqual(await world.labels(), [`${label} 1 works 1`, `${label} 2 waits 3`])
  const [binding] = await world.dispatch.bindings()
  assert.deepEqual(
    [binding!.prefix, binding!.port, binding!.flows, binding!.idle, binding!.missing],
    [`${HOST}/32`, `${PORT}`, 'answer', '2m5s', 'pass'],
  )
  assert.equal(await ask(fresh.child, 'work 8'), null)
  assert.equal(await ask(old.child, 'working'), 8)
  await world.works(fresh.child, HOST, 8)
  assert.deepEqual(await world.labels(), [`${label} 1 drains 1`, `${label} 2 works 3`])
  assert.equal(await ask(old.child, 'work 7'), null)
  await world.works(old.child, HOST, 7)
  assert.deepEqual(await world.labels(), [`${label} 1 works 1`, `${label} 2 drains 3`])
})

test('a generation has nothing to do with one whose number is 32 less', async () => {
  await using world = new UdpgrmWorld()
  await world.up()
  await world.server('old', HOST, 'generation=0')
  const fresh = await world.server('new', HOST, 'generation=32')
  await world.works(fresh.child, HOST, 32)
  assert.deepEqual(await greet(await world.greeters(20_000), HOST), { new: CLIENTS })
})

test('without flows clients go to the generation that works', async () => {
  await using world = new UdpgrmWorld()
  await world.up()
  const old = await world.server('old', HOST, 'dissector=4')
  const clients = await world.greeters(20_000)
  assert.deepEqual(await greet(clients, HOST), { old: CLIENTS })
  const fresh = await world.server('new', HOST, 'dissector=4')
  await world.works(fresh.child, HOST, fresh.working)
  assert.deepEqual(await greet(clients, HOST), { new: CLIENTS })
  await world.stop(old.child)
  assert.deepEqual(await greet(clients, HOST), { new: CLIENTS })
})

for (const host of [HOST, '::'])
  test(`datagrams with a cookie go to its socket: ${host}`, async () => {
    await using world = new UdpgrmWorld()
    await world.up()
    // ldh [0]; ret a
    const old = await world.server('old', host, 'sockets=2', 'filter=40/0/0/0,22/0/0/0')
    const fresh = await world.server('new', host, 'sockets=2', 'filter=40/0/0/0,22/0/0/0')
    await world.works(fresh.child, host, fresh.working)
    const cookies: number[] = [...(await ask(old.child, 'cookies')), ...(await ask(fresh.child, 'cookies'))]
    assert.ok(new Set([...cookies, 0]).size === 5, `${cookies}`)
    const payloads = [...cookies, 0].flatMap((cookie) => Array(20).fill(cookie.toString(16).padStart(4, '0')))
    for (const called of host === HOST ? [HOST] : ['127.0.0.1', '::1']) {
      const args = [support('cookie-asker.py'), called, `${PORT}`, ...payloads]
      const { stdout, stderr } = await world.run('python3', args)
      const wanted = [...Array(40).fill('old'), ...Array(60).fill('new')]
      assert.deepEqual(JSON.parse(stdout || `"${stderr}"`), wanted)
    }
    for (const { child } of [old, fresh]) await world.stop(child)
  })

test('a program that is not sound gets no index, and the agent tells why', async () => {
  await using world = new UdpgrmWorld()
  await world.up()
  const args = [support('udpgrm-server.py'), 'old', HOST, `${PORT}`, 'wait=never', 'filter=40/0/0/0']
  const server = world.start('python3', args)
  assert.equal(await said(server), 'asked')
  await until(async () => world.events.some(({ event }) => event === 'udpgrm-failed'), 'the failure is told')
  const { message } = world.events.find(({ event }) => event === 'udpgrm-failed')!
  assert.match(message, /^Cannot use the dissector that a server has set.*goes on behind the end of the program/)
})
