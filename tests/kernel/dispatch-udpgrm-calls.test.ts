import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stateFolder } from '../../src/dispatch/pins.ts'
import { UdpgrmMaps } from '../../src/dispatch/udpgrm/maps.ts'
import { ask, CLIENTS, greet, HOST, PORT, support, UdpgrmWorld, until } from './udpgrm-world.ts'

const NONE = 'ffffffff'

for (const host of [HOST, '2001:db8::7'])
  test(`calls are answered with the errors of udpgrm: ${host}`, async () => {
    await using world = new UdpgrmWorld()
    const call = async () => {
      const { stdout, stderr } = await world.run('python3', [support('udpgrm-calls.py'), host, `${PORT}`])
      return JSON.parse(stdout || `"${stderr}"`)
    }
    assert.deepEqual((await call()).unbound[0], 'ENOPROTOOPT')
    await world.up()
    assert.deepEqual(await call(), {
      unbound: [NONE, 'EBADF', 'EBADFD', 'EBADF'],
      alone: ['EBADF', 'EBADF'],
      tcp: ['ENOPROTOOPT'],
      'no group': [NONE, 'EBADFD', `${NONE}${NONE}00000000`],
      short: ['EFAULT'],
      strange: ['ENOPROTOOPT', 'ENOPROTOOPT', 'EPERM'],
      'refused dissectors': Array(7).fill('EPERM'),
      'no group yet': [NONE],
      dissector: ['ok', 'ok'],
      'another dissector': ['EPERM', 'EPERM', 'EPERM'],
      group: ['00000000', '0000000063000000', NONE],
      'nobody asked for': ['EPERM'],
      'not registered': ['EAGAIN', 'EPERM'],
      applications: ['ok', 'EOVERFLOW', '00000000'],
      asked: ['ok', '03000000', 'EEXIST'],
    })
  })

test('flows that a server assures are noted without an answer, and belong to one socket', async () => {
  await using world = new UdpgrmWorld()
  await world.up()
  for (const [host, client, first] of [
    [HOST, HOST, 20_000],
    ['2001:db8::7', '::1', 22_000],
    ['::', '127.0.0.1', 24_000],
  ] as const) {
    const called = host === '::' ? '127.0.0.1' : host
    const old = await world.server('old', host)
    const fresh = await world.server('new', host, 'work=no')
    assert.equal(await ask(old.child, `assure ${client} ${first}`), null)
    assert.equal(await ask(old.child, `assure ${client} ${first}`), null)
    assert.equal(await ask(fresh.child, `assure ${client} ${first}`), 'EEXIST')
    assert.equal(await ask(fresh.child, 'work 1'), null)
    await world.works(fresh.child, host, 1)
    const clients = await world.greeters(first)
    assert.deepEqual(await greet(clients, called), { old: 1, new: CLIENTS - 1 })
    for (const { child } of [old, fresh]) await world.stop(child)
  }
})

test('a socket stays in its generation, and a generation that no socket has asked for cannot work', async () => {
  await using world = new UdpgrmWorld()
  await world.up()
  const { child } = await world.server('one', HOST)
  assert.deepEqual([await ask(child, 'join 0'), await ask(child, 'join 1')], [null, 'EPERM'])
  assert.deepEqual([await ask(child, 'work 1'), await ask(child, 'working')], ['EPERM', 0])
})

test('without an agent calls are refused, what is registered goes on, and the next agent does what was left', async () => {
  await using world = new UdpgrmWorld()
  await world.up()
  const old = await world.server('old', HOST)
  const [known, strangers] = [await world.greeters(20_000), await world.greeters(21_000)]
  assert.deepEqual(await greet(known, HOST), { old: CLIENTS })
  await world.agent!.stop()
  assert.deepEqual([await ask(old.child, 'working'), await ask(old.child, 'place')], [0, [0, 0]])
  assert.equal(await ask(old.child, 'work 0'), 'EAGAIN')
  assert.deepEqual(await greet(known, HOST), { old: CLIENTS })
  // An agent reads what a server asks, and dies before it does anything.
  const maps = UdpgrmMaps.find(stateFolder(world.paths))!
  maps.beat()
  const waiting = world.server('new', HOST)
  await until(async () => maps.requests.consume(() => undefined) > 0, 'the server has asked')
  maps.close()
  await world.up()
  const fresh = await waiting
  await world.works(fresh.child, HOST, 1)
  assert.deepEqual(await greet(known, HOST), { old: CLIENTS })
  assert.deepEqual(await greet(strangers, HOST), { new: CLIENTS })
})
