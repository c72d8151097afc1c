import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ipBatch } from '../../src/linux/interface.ts'
import { buildPacket, ethernet, ipv4, ipv6, tcp, udp } from '../../src/net/build.ts'
import { BalancerWorld, SERVICE4 } from './balancer-world.ts'

const PORT = 8080
const services = [{ id: 'web', address: SERVICE4, port: PORT, protocol: 'tcp' }]

/** Set SEAWALL_CONNECTIONS for fewer. */
const CONNECTIONS = Number(process.env.SEAWALL_CONNECTIONS ?? 350)
const share = (of350: number) => Math.ceil((of350 * CONNECTIONS) / 350)

/** A machine that may itself stand still for longer than an answer may take, see tests/vm. */
const emulated = process.env.SEAWALL_EMULATED === '1'

test('Seawall balances connections over edges, and keeps them when a server joins, the path changes and one is drained', async () => {
  using world = await BalancerWorld.build(3)
  await world.apply({ backends: world.backends({ edge1: 1, edge2: 1, edge3: 0 }), services })
  await world.serve(PORT)
  const talkers = world.talkers({ host: SERVICE4, port: PORT })
  const begun = await talkers.open(share(200))
  assert.deepEqual([begun.open, begun.failed, begun.servers.edge3], [share(200), 0, undefined])

  await world.apply({ backends: world.backends(), services })
  assert.equal((await talkers.open(share(100))).failed, 0)
  ipBatch(world.netns('router'), [`route replace ${SERVICE4}/32 via 10.0.3.2`])
  for (const edge of world.edges) await world.control(edge).drain('edge1')
  await talkers.open(share(50))
  await sleep(2_500)
  const { open, lost, moved, stalled, failed, servers } = await talkers.end()
  const all = share(200) + share(100) + share(50)
  assert.deepEqual({ open, lost, moved, failed }, { open: all, lost: 0, moved: 0, failed: 0 })
  if (!emulated) assert.equal(stalled, 0)
  assert.ok(servers.edge3! > 0, 'the server that joined has connections')
})

test('Control.where() names the server that a packet really goes to', async () => {
  using world = await BalancerWorld.build(3)
  await world.apply({ backends: world.backends(), services })
  await world.serve(PORT)
  const packets = Array.from({ length: 12 }, (_, index) =>
    buildPacket(
      ethernet(),
      ipv4({ src: '203.0.113.10', dst: SERVICE4 }),
      tcp({ srcport: 40_000 + index, dstport: PORT }),
    ),
  )
  const answers = await Promise.all(world.edges.map((edge) => world.control(edge).where(packets)))
  const named = answers.map((places) => places.map(({ backend }) => backend))
  assert.deepEqual(named[1], named[0])
  assert.deepEqual(named[2], named[0])
  assert.ok(new Set(named[0]).size > 1, 'more than one server is named')
  assert.ok(answers[0]!.every(({ service, bucket }) => service === 'web' && bucket !== undefined))
  assert.equal(answers[0]![0]!.packet, `tcp 203.0.113.10:40000 → ${SERVICE4}:${PORT}`)
  const six = buildPacket(
    ethernet(),
    ipv6({ src: '2001:db8:c::10', dst: '2001:db8::1' }),
    udp({ srcport: 7, dstport: 53 }),
  )
  const [other] = await world.control('edge1').where([six])
  assert.deepEqual(other, {
    packet: 'udp [2001:db8:c::10]:7 → [2001:db8::1]:53',
    backend: 'edge1',
    why: 'it is for no service: this machine',
  })
})

test('Control.services() and backends() say who owns how much', async () => {
  using world = await BalancerWorld.build(2)
  await world.apply({ backends: world.backends({ edge1: 3, edge2: 1 }), services })
  const [web] = await world.control('edge1').services()
  assert.deepEqual(
    web!.shares.map(({ backend, buckets }) => [backend, buckets]),
    [
      ['edge1', 12_288],
      ['edge2', 4_096],
    ],
  )
  const drained = await world.control('edge1').drain('edge2')
  assert.deepEqual([drained.state, drained.buckets, drained.previous], ['draining', 0, 4_096])
  const backends = await world.control('edge1').backends()
  assert.deepEqual(
    backends.map(({ name, self, state, resolved }) => [name, self, state, resolved]),
    [
      ['edge1', true, 'active', true],
      ['edge2', false, 'draining', true],
    ],
  )
  await assert.rejects(world.control('edge1').drain('edge9'), {
    code: 'SEAWALL_UNKNOWN_BACKEND',
    message: /did you mean "edge/,
  })
})

test('Control.plan() warns of ways that do not carry what clients send', async () => {
  using world = await BalancerWorld.build(2, { edgeMtu: 1_500 })
  const config = world.config({ backends: world.backends(), services })
  const { warnings } = await world.control('edge1').plan(config)
  assert.deepEqual(
    warnings.map((text) => /MTU is \d+, wanted \d+/.exec(text)?.[0]),
    ['MTU is 1500, wanted 1540'],
  )
})
