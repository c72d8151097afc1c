import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startTalkServer } from '../../lab/talk/talkers.ts'
import { heldDescriptors } from '../support/held-descriptors.ts'
import { assertUnbroken, BalancerWorld, owned, SERVICE4, until } from './balancer-world.ts'
import { LiveFleet } from './live-fleet.ts'

const PORT = 8080
const services = [{ id: 'web', address: SERVICE4, port: PORT, protocol: 'tcp' }]
const CONNECTIONS = 60
const BOTH = { edge1: 1, edge2: 1 }
const ALL = { ...BOTH, edge3: 1 }

test('Agent of a fleet frees the slots of a drained server but for its connections, and the rest when they have ended', async () => {
  using world = await BalancerWorld.build(3)
  await world.serve(PORT)
  const fleet = new LiveFleet(world, { services, backends: world.backends(ALL) })
  await Promise.all(world.edges.map((edge) => fleet.start(edge)))
  await world.untilAgreed('all agree', world.edges, ({ version }) => version > 0)
  const talkers = world.talkers({ host: SERVICE4, port: PORT })
  await talkers.open(CONNECTIONS)

  // One that the configuration has no more leaves rows behind, of a pool that is another then.
  world.route('edge1', 'edge2')
  fleet.configure({ backends: world.backends(BOTH) })
  for (const edge of ['edge1', 'edge2']) await fleet.apply(edge)
  await world.untilAgreed('edge3 is gone', ['edge1', 'edge2'], (document) => {
    const { buckets, previous } = owned(document, 'edge3')
    return buckets === 0 && previous > 0
  })
  await fleet.order('edge2', 'drain', 'edge2')
  const slots = await world.untilAgreed('slots without connections are free', ['edge1', 'edge2'], (document) => {
    const { buckets, previous } = owned(document, 'edge2')
    return buckets < 16_384 / 2 && previous > 0 && previous < CONNECTIONS
  })
  const { servers } = await talkers.count()
  assert.ok(owned(slots, 'edge2').previous <= servers.edge2!, 'one slot for each connection at most')
  await assertUnbroken(talkers)
  await talkers.end()
  await world.untilAgreed(
    'all slots are free',
    ['edge1', 'edge2'],
    (document) => owned(document, 'edge2').previous === 0,
  )
})

test('Agent that starts with a server more than the others know of breaks nothing when they learn of it', async () => {
  using world = await BalancerWorld.build(3)
  await world.serve(PORT)
  world.route('edge1', 'edge2')
  const fleet = new LiveFleet(world, { services, backends: world.backends(BOTH) })
  await Promise.all(['edge1', 'edge2'].map((edge) => fleet.start(edge)))
  await world.untilAgreed('two agree', ['edge1', 'edge2'], ({ version }) => version > 0)
  const talkers = world.talkers({ host: SERVICE4, port: PORT })
  await talkers.open(CONNECTIONS)

  fleet.configure({ backends: world.backends(ALL) })
  await fleet.start('edge3')
  await assertUnbroken(talkers)
  for (const edge of ['edge2', 'edge1']) {
    await fleet.apply(edge)
    await assertUnbroken(talkers)
  }
  await world.untilAgreed('three agree', world.edges, (document) => owned(document, 'edge3').buckets > 0)
  world.route(...world.edges)
  await talkers.open(CONNECTIONS)
  await assertUnbroken(talkers)
})

test('Wishes that come while a configuration comes into force are those of the whole fleet', async () => {
  using world = await BalancerWorld.build(2)
  const fleet = new LiveFleet(world, { services, backends: world.backends(BOTH) })
  await Promise.all(world.edges.map((edge) => fleet.start(edge)))
  await world.untilAgreed('both agree', world.edges, ({ version }) => version > 0)

  fleet.configure({ services: [{ ...services[0], port: PORT + 1 }] })
  for (const edge of world.edges) await fleet.apply(edge)
  // What a machine did alone would stay: no bucket moves, so nobody decides again.
  const asks: Promise<void>[] = []
  for (let number = 0; number < 40; number++, await sleep(50)) asks.push(fleet.order('edge2', 'undrain', 'edge2'))
  await Promise.all(asks)
  await world.untilAgreed('still both agree', world.edges)
})

/** Descriptors of BPF objects that a process has all the time, for it opens some for a moment in each round. */
async function bpfObjectsOf(pid: number): Promise<number> {
  const counts: number[] = []
  for (let look = 0; look < 20; look++, await sleep(20)) counts.push(heldDescriptors(/bpf/, pid).length)
  return Math.min(...counts)
}

test('Agent whose port for the fleet is taken says so, keeps its tables, and joins when the port is free', async () => {
  using world = await BalancerWorld.build(2)
  const port = 9436
  const config = world.config({ services, backends: world.backends(BOTH), fleet: { port } })
  const other = await startTalkServer(world.netns('edge2'), 'other', port)
  world.onClose(() => other.kill('SIGKILL'))
  await world.startAgent('edge1', config)
  const { log } = await world.startAgent('edge2', config)

  const taken = /Cannot listen on port 9436 for the fleet: .*EADDRINUSE/
  await until('it is told', () => log.some((line) => taken.test(line)))
  await assert.rejects(world.agent('edge2').drain('edge1'), { code: 'FLEET_LISTEN', message: taken })
  const { agent } = await world.agent('edge2').status()
  const before = await bpfObjectsOf(agent!.pid)
  await sleep(3_000)
  assert.equal(await bpfObjectsOf(agent!.pid), before)

  other.kill('SIGKILL')
  await world.untilAgreed('both agree', world.edges, ({ version }) => version > 0)
})
