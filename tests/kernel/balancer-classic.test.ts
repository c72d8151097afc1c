import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertUnbroken, BalancerWorld, owned, SERVICE4, until } from './balancer-world.ts'
import { LiveFleet } from './live-fleet.ts'

// Machines that only balance, in front of backends.

const PORT = 8080
const services = [{ id: 'web', address: SERVICE4, port: PORT, protocol: 'tcp' }]
const CONNECTIONS = 60

/** Returns when an edge has heard that another decides. */
const untilLed = (world: BalancerWorld, edge: string, conductor: string) =>
  until(`${conductor} decides for ${edge}`, async () => {
    const { balancer } = await world.agent(edge).status()
    return balancer!.conductor === conductor
  })

test('Agent of a machine that only balances has the tables of its fleet, and its connections stay where they are', async () => {
  using world = await BalancerWorld.build(3)
  await world.serve(PORT)
  world.route('edge1')
  const balancers = { edge1: '10.0.1.2' }
  const fleet = new LiveFleet(world, {
    services,
    backends: world.backends({ edge2: 1, edge3: 1 }),
    fleet: { balancers },
  })
  await Promise.all(world.edges.map((edge) => fleet.start(edge)))
  await world.untilAgreed('all agree', world.edges, ({ version }) => version > 0)
  await untilLed(world, 'edge1', 'edge2')
  const talkers = world.talkers({ host: SERVICE4, port: PORT })
  await talkers.open(CONNECTIONS)
  const { servers } = await talkers.hear()
  assert.deepEqual(Object.keys(servers).sort(), ['edge2', 'edge3'])

  await fleet.order('edge1', 'drain', 'edge3')
  const slots = await world.untilAgreed('edge3 has its connections alone', world.edges, (document) => {
    const { buckets, previous } = owned(document, 'edge3')
    return buckets === 0 && previous <= CONNECTIONS
  })
  assert.ok(owned(slots, 'edge3').previous > 0, 'rows with connections are in transition')
  await assertUnbroken(talkers)
})

test('Agents of balancers decide among themselves where backends run no Seawall', async () => {
  using world = await BalancerWorld.build(3)
  const balancers = ['edge1', 'edge2']
  const fleet = new LiveFleet(world, {
    services,
    backends: { edge3: '10.0.3.2', other: '10.0.3.9' },
    fleet: { balancers: { edge1: '10.0.1.2', edge2: '10.0.2.2' }, backends: false },
  })
  await Promise.all(balancers.map((edge) => fleet.start(edge)))
  await world.untilAgreed('both agree', balancers, ({ version }) => version > 0)
  for (const edge of balancers) await untilLed(world, edge, 'edge1')
  await fleet.order('edge2', 'drain', 'other')
  await world.untilAgreed('nobody waits for a backend', balancers, (document) => {
    const { buckets, previous } = owned(document, 'other')
    return buckets === 0 && previous === 0 && owned(document, 'edge3').buckets === 16_384
  })
})
