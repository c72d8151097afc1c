import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Talk } from '../../lab/talk/messages.ts'
import { BalancerWorld, owned, SERVICE4, SERVICE6 } from './balancer-world.ts'
import { LiveFleet } from './live-fleet.ts'

const PORT = 8080
const GUE_PORT = 8081

const services = [
  { id: 'web', address: SERVICE4, port: PORT, protocol: 'tcp', encapsulation: 'ipip' },
  { id: 'web-gue', address: SERVICE4, port: GUE_PORT, protocol: 'tcp', encapsulation: 'gue' },
  { id: 'web6', address: SERVICE6, port: PORT, protocol: 'tcp', encapsulation: 'gue' },
]

const destinations = [
  { host: SERVICE4, port: PORT },
  { host: SERVICE4, port: GUE_PORT },
  { host: SERVICE6, port: PORT },
]

const BOTH = { edge1: 1, edge2: 1 }
const ALL = { edge1: 1, edge2: 1, edge3: 1 }

/** Begun at first, and at each of the stages that follow. */
const FIRST = 600
const MORE = 60

const EDGES = Object.keys(ALL)

/** The fleet, and a check: opens more connections, and hears from all that there are. */
interface Live {
  readonly world: BalancerWorld
  readonly fleet: LiveFleet
  readonly more: (stage: string) => Promise<Talk>
}

async function joins({ world, fleet, more }: Live): Promise<void> {
  fleet.configure({ backends: world.backends(ALL) })
  for (const edge of ['edge1', 'edge2']) await fleet.apply(edge)
  await more('a third server is in the configuration, but not there')
  await fleet.start('edge3')
  world.route(...EDGES)
  await world.untilAgreed('the third has its share', EDGES, (document) => owned(document, 'edge3').buckets > 0)
  assert.ok((await more('it joined')).servers.edge3! > 0, 'the server that joined has connections')
}

async function pathsChange({ world, more }: Live): Promise<void> {
  for (const hops of [['edge3'], ['edge1', 'edge3'], EDGES]) {
    world.route(...hops)
    await more(`the router has ${hops.join(', ')}`)
  }
}

async function isDrained({ world, fleet, more }: Live): Promise<void> {
  await fleet.order('edge2', 'drain', 'edge1')
  await world.untilAgreed('edge1 owns nothing', EDGES, (document) => owned(document, 'edge1').buckets === 0)
  await more('edge1 is drained')
  await fleet.order('edge3', 'undrain', 'edge1')
  await more('edge1 is undrained')
}

async function agentsAreKilled({ world, fleet, more }: Live): Promise<void> {
  await fleet.kill('edge2')
  await more('the agent of edge2 was killed')
  await fleet.start('edge2')
  await more('the agent of edge2 is back')

  await fleet.kill('edge1')
  await more('the agent of the conductor was killed')
  await fleet.order('edge3', 'drain', 'edge3')
  await world.untilAgreed('another decides', ['edge2', 'edge3'], ({ conductor }) => conductor === 'edge2')
  await more('another conductor drained edge3')
  await fleet.start('edge1')
  await fleet.order('edge1', 'undrain', 'edge3')
  await world.untilAgreed('all agree', EDGES, ({ drained }) => drained.length === 0)
  await more('the first conductor is back')
}

async function weightsChange({ world, fleet, more }: Live): Promise<void> {
  fleet.configure({ backends: world.backends({ edge1: 1, edge2: 4, edge3: 2 }) })
  for (const edge of EDGES) await fleet.apply(edge)
  await world.untilAgreed('all agree', EDGES)
  await more('weights are others')
}

async function allAreRestarted({ world, fleet, more }: Live): Promise<void> {
  for (const edge of EDGES) {
    await fleet.order(edge, 'drain', edge)
    await world.untilAgreed(`${edge} is drained`, EDGES, ({ drained }) => drained.includes(edge))
    await fleet.stop(edge)
    await more(`the agent of ${edge} is stopped`)
    await fleet.start(edge)
    await fleet.order(edge, 'undrain', edge)
    await world.untilAgreed(`${edge} is back`, EDGES, ({ drained }) => drained.length === 0)
    await more(`${edge} was restarted`)
  }
}

async function allAreReloaded({ world, fleet, more }: Live): Promise<void> {
  fleet.configure({ backends: world.backends(ALL), transition: '30m' })
  for (const edge of EDGES) {
    await fleet.apply(edge)
    await more(`${edge} has another configuration`)
  }
}

test('Agent of a fleet keeps all of more than 1,000 live connections through joins, path changes, drains, kills and restarts', async (t) => {
  using world = await BalancerWorld.build(3)
  await world.serve(PORT, GUE_PORT)
  world.route('edge1', 'edge2')
  const fleet = new LiveFleet(world, { services, backends: world.backends(BOTH) })
  await Promise.all(['edge1', 'edge2'].map((edge) => fleet.start(edge)))
  await world.untilAgreed('the first two agree', ['edge1', 'edge2'], ({ version }) => version > 0)
  const talkers = world.talkers(...destinations)
  await talkers.open(FIRST)
  const more = async (stage: string): Promise<Talk> => {
    await talkers.open(MORE)
    const talk = await talkers.hear()
    assertUnbroken(t, stage, talk)
    return talk
  }
  const chapters = [joins, pathsChange, isDrained, agentsAreKilled, weightsChange, allAreRestarted, allAreReloaded]
  for (const happen of chapters) await happen({ world, fleet, more })
  const end = await talkers.end()
  assert.ok(end.open > 1_000)
  assert.deepEqual([end.open, end.moved], [end.opened, 0])
})

test('Balancer without the previous owner of buckets that moved loses many connections: what the test above would see', async (t) => {
  using world = await BalancerWorld.build(3)
  await world.serve(PORT, GUE_PORT)
  await world.apply({ backends: world.backends({ ...ALL, edge3: 0 }), services })
  const talkers = world.talkers(...destinations)
  await talkers.open(300)
  assertUnbroken(t, 'before', await talkers.hear())

  await world.apply({ backends: world.backends(ALL), services })
  assertUnbroken(t, 'with previous owners', await talkers.hear())
  for (const edge of world.edges) {
    world.live(edge, (live) => {
      const rows = live.rows(0).slice()
      for (let at = 1; at < rows.length; at += 2) rows[at] = 0
      live.setRows(0, rows)
    })
  }
  const { opened, open, lost, moved, silent } = await talkers.hear(10_000)
  t.diagnostic(`without previous owners: of ${opened} connections ${lost} are lost, ${moved} moved, ${silent} silent`)
  assert.ok(opened - open + silent > opened / 10, 'more than a tenth is broken')
})

function assertUnbroken(t: TestContext, stage: string, talk: Talk): void {
  const { opened, open, failed, lost, moved, stalled, silent, servers } = talk
  t.diagnostic(
    `${(performance.now() / 1_000).toFixed(1)} s: ${stage}: ${open} of ${opened} open, ${stalled} waited long so far; ${JSON.stringify(servers)}`,
  )
  assert.deepEqual(
    { stage, open, failed, lost, moved, silent },
    { stage, open: opened, failed: 0, lost: 0, moved: 0, silent: 0 },
  )
}
