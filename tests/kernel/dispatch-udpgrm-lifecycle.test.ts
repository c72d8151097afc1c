import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stateFolder, UDPGRM } from '../../src/dispatch/pins.ts'
import { openLink } from '../../src/entry/open.ts'
import { cgroupRoot } from '../../src/linux/cgroups.ts'
import { ask, CLIENTS, greet, HOST, PORT, said, support, UdpgrmWorld, until } from './udpgrm-world.ts'

const LABEL = `udpgrm-${HOST}:${PORT}`

const programs = (world: UdpgrmWorld): readonly number[] =>
  ['setsockopt', 'getsockopt'].map((pin) => {
    using link = openLink(join(stateFolder(world.paths), UDPGRM, pin))
    return link.info().programId
  })

const labels = async (world: UdpgrmWorld): Promise<readonly string[]> =>
  (await world.dispatch.bindings()).map(({ label, prefix, port }) => `${label} ${prefix} ${port}`)

test('options are answered as the configuration says: adopted, taken away, rolled back and removed', async () => {
  await using world = new UdpgrmWorld()
  await world.up()
  const server = await world.server('old', HOST)
  const clients = await world.greeters(20_000)
  const before = programs(world)
  await world.agent!.stop()
  await world.up()
  assert.deepEqual([world.agent!.adopted, programs(world)], [true, before])
  assert.deepEqual([await ask(server.child, 'working'), await greet(clients, HOST)], [0, { old: CLIENTS }])

  world.configure({})
  const { plan } = await world.agent!.apply()
  assert.deepEqual(
    plan.changes.filter(({ what }) => what === 'udpgrm').map(({ kind, before: was }) => [kind, was]),
    [['remove', 'in control group /']],
  )
  assert.equal(await ask(server.child, 'working'), 'ENOPROTOOPT')
  assert.deepEqual([await labels(world), world.dispatch.status().destinations], [[], []])
  assert.deepEqual(await greet(clients, HOST), { old: CLIENTS })

  await world.agent!.rollback()
  assert.equal(await ask(server.child, 'working'), -1)
  await until(async () => (await ask(server.child, 'join 4')) === null, 'the agent has seen it')
  assert.equal(await ask(server.child, 'work 4'), null)
  await world.works(server.child, HOST, 4)
  assert.deepEqual(await labels(world), [`${LABEL} ${HOST}/32 ${PORT}`])

  await world.agent!.down()
  assert.equal(await ask(server.child, 'working'), 'ENOPROTOOPT')
  assert.equal(existsSync(stateFolder(world.paths)), false)
})

test('options are answered for processes in a control group alone', async () => {
  const name = `seawall-udpgrm-${process.pid}`
  const folder = join(cgroupRoot(), name)
  await using world = new UdpgrmWorld()
  await assert.rejects(world.up({ udpgrm: { cgroup: `/${name}` } }), { code: 'CGROUP_MISSING' })
  assert.equal(world.dispatch.isLoaded(), false)
  mkdirSync(folder)
  try {
    await world.up({ udpgrm: { cgroup: `/${name}` } })
    const call = [support('udpgrm-calls.py'), HOST, `${PORT}`]
    const outside = await world.run('python3', call)
    const inside = await world.run('sh', ['-c', `echo $$ >${folder}/cgroup.procs && exec python3 ${call.join(' ')}`])
    assert.equal(JSON.parse(outside.stdout).unbound[0], 'ENOPROTOOPT')
    assert.equal(JSON.parse(inside.stdout).unbound[0], 'ffffffff')
  } finally {
    rmdirSync(folder)
  }
})

test('what the configuration has bound stays its label, and the server is told by its missing index', async () => {
  await using world = new UdpgrmWorld()
  await world.up({ udpgrm: true, labels: { game: { bind: [`udp ${HOST} ${PORT}`], missing: 'pass' } } })
  const server = world.start('python3', [support('udpgrm-server.py'), 'old', HOST, `${PORT}`, 'wait=never'])
  assert.deepEqual(await said(server), 'asked')
  await until(async () => world.events.some(({ event }) => event === 'udpgrm-failed'), 'the failure is told')
  const { message } = world.events.find(({ event }) => event === 'udpgrm-failed')!
  assert.match(message, /^Cannot bind "udp 192.0.2.7\/32 5300" to "udpgrm-192.0.2.7:5300".*it is bound to "game"/)
  assert.deepEqual([await ask(server, 'place'), await ask(server, 'work 0')], [[0, 0xffff_ffff], 'EPERM'])
})

test('clients of a server that dies go to what is left, and groups are forgotten once nobody is bound', async () => {
  await using world = new UdpgrmWorld()
  await world.up()
  const old = await world.server('old', HOST)
  const fresh = await world.server('new', HOST)
  await world.works(fresh.child, HOST, 1)
  const clients = await world.greeters(20_000)
  assert.deepEqual(await greet(clients, HOST), { new: CLIENTS })
  fresh.child.kill('SIGKILL')
  await until(async () => (await greet(clients, HOST)).old === CLIENTS, 'the old server has all clients')
  assert.equal(await ask(old.child, 'work 0'), null)
  await world.works(old.child, HOST, 0)
  await world.stop(old.child)
  await until(async () => (await labels(world)).length === 0, 'the binding is gone')
  assert.deepEqual(world.dispatch.status().destinations, [])
  const next = await world.server('next', HOST)
  assert.deepEqual([next.working, next.places], [0, [[0, 0]]])
})

test('a group of all addresses leaves those to others that are bound to one', async () => {
  await using world = new UdpgrmWorld()
  await world.up()
  const other = (name: string, host: string) =>
    world.serve('python3', [support('choosy-answerer.py'), name, host, `${PORT}`, 'plain'])
  const first = await other('first', '127.0.0.1')
  await world.server('group', '0.0.0.0')
  const clients = await world.greeters(20_000)
  assert.deepEqual(await greet(clients, '127.0.0.1'), { first: CLIENTS })
  assert.deepEqual(await greet(clients, '192.0.2.8'), { group: CLIENTS })
  await other('second', '192.0.2.8')
  await until(async () => (await greet(clients, '192.0.2.8')).second === CLIENTS, 'the second has its address')
  await world.stop(first)
  await until(async () => (await greet(clients, '127.0.0.1')).group === CLIENTS, 'the group has the address')
})
