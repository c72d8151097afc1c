import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTalkServer, Talkers } from '../../lab/talk/talkers.ts'
import { writeSysctl } from '../../src/linux/sysctl.ts'
import { BalancerWorld, owned, SERVICE4 } from './balancer-world.ts'
import { LiveFleet } from './live-fleet.ts'

const PORT = 8080
const services = [{ id: 'web', address: SERVICE4, port: PORT, protocol: 'tcp' }]
const EDGES = ['edge1', 'edge2']
const HALF = 16_384 / 2
const BUCKETS = 256

/** Connections that a listener lets wait. */
const QUEUE = 8

/** A server of an edge hangs, and its accept queue is full. */
async function hang(world: BalancerWorld, edge: string): Promise<void> {
  const netns = world.netns(edge)
  const [host, port] = ['127.0.0.1', 9_999]
  writeSysctl(netns, 'net.core.somaxconn', String(QUEUE))
  const server = await startTalkServer(netns, 'stuck', port)
  world.onClose(() => server.kill('SIGKILL'))
  server.kill('SIGSTOP')
  const talkers = Talkers.start({ netns, targets: [{ host, port, addresses: [host] }], everyMs: 60_000 })
  world.onClose(() => talkers.close())
  // Nobody answers: this ends when the clients are closed.
  talkers.open(2 * QUEUE).catch(() => undefined)
}

test('Agent of a fleet moves buckets away from a server that is pressed, a few at a time, and keeps that when it applies', async () => {
  using world = await BalancerWorld.build(2)
  const fleet = new LiveFleet(world, { services, backends: world.backends() })
  await Promise.all(EDGES.map((edge) => fleet.start(edge)))
  await world.untilAgreed('shares are even', EDGES, (document) => owned(document, 'edge1').buckets === HALF)

  await hang(world, 'edge1')
  fleet.configure({ followLoad: { every: '1s', buckets: BUCKETS } })
  for (const edge of EDGES) await fleet.apply(edge)
  const isRelieved = (buckets: number): boolean => buckets <= HALF - 3 * BUCKETS
  await world.untilAgreed('edge1 has fewer buckets', EDGES, (document) => isRelieved(owned(document, 'edge1').buckets))

  await fleet.apply('edge1')
  const [web] = await world.agent('edge1').services()
  const { factor, buckets } = web!.shares[0]!
  assert.ok(factor < 1 && isRelieved(buckets), `factor ${factor}, ${buckets} buckets`)

  fleet.configure({ followLoad: undefined })
  for (const edge of EDGES) await fleet.apply(edge)
  await world.untilAgreed('shares are even again', EDGES, (document) => owned(document, 'edge1').buckets === HALF)
})
