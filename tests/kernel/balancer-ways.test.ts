import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Keeper } from '../../src/balancer/keeper.ts'
import type { KeeperEvent } from '../../src/balancer/keeper-log.ts'
import { ipBatch } from '../../src/linux/interface.ts'
import { readSysctl, writeSysctl } from '../../src/linux/sysctl.ts'
import { buildPacket, ethernet, ipv4, udp } from '../../src/net/build.ts'
import { isEchoed, startEcho } from '../support/udp-echo.ts'
import { BalancerWorld, CLIENT, type Family, families, SERVICE, SERVICE4, until } from './balancer-world.ts'

// How edge1, which only balances and does not forward, gets to know the way to edge2. The lab's neighbours are permanent, but not here.

const PORT = 53
const owner = { 4: '10.0.2.2', 6: 'fd00:0:0:2::2' }
const gateway = { 4: '10.0.1.1', 6: 'fd00:0:0:1::1' }

const services = families.map((family) => ({
  id: `dns${family}`,
  address: SERVICE[family],
  port: PORT,
  protocol: 'udp',
}))

/** Milliseconds after which a datagram is taken to be lost. */
const LOST_MS = 500

let nextPort = 40_000

async function build(): Promise<BalancerWorld> {
  const world = await BalancerWorld.build(2)
  world.route('edge1')
  // As every interface has one but those of the lab: the kernel asks for neighbours from it.
  ipBatch(world.netns('edge1'), ['address add fe80::2/64 dev eth0 nodad'])
  for (const family of families)
    world.onClose(startEcho({ netns: world.netns('edge2'), address: SERVICE[family], port: PORT }))
  assert.equal(readSysctl(world.netns('edge1'), 'net.ipv4.ip_forward'), '0')
  assert.equal(readSysctl(world.netns('edge1'), 'net.ipv6.conf.all.forwarding'), '0')
  return world
}

function isServed(world: BalancerWorld, family: Family, patienceMs?: number): Promise<boolean> {
  const from = { netns: world.netns('clients'), address: CLIENT[family], port: nextPort++ }
  return isEchoed(from, { address: SERVICE[family], port: PORT }, Buffer.from('who'), patienceMs)
}

/** A balancer of some backends, and what the agent of edge1 would do. */
async function keep(world: BalancerWorld, backends: object) {
  const log: KeeperEvent[] = []
  await world.apply({ buckets: 256, backends, services })
  const paths = world.paths('edge1')
  return { log, keeper: new Keeper({ paths, waitMs: 2_000, log: (event) => log.push(event) }) }
}

for (const family of families)
  test(`Control.apply() finds out link addresses that the kernel does not know, of the way by IPv${family}`, async () => {
    using world = await build()
    ipBatch(world.netns('edge1'), [`neigh del ${gateway[family]} dev eth0`])
    await world.apply({ buckets: 256, backends: { edge2: owner[family] }, services })
    for (const inner of families) assert.ok(await isServed(world, inner), `IPv${inner} arrives`)
    const [backend] = await world.control('edge1').backends()
    assert.deepEqual([backend!.resolved, backend!.count.packets], [true, 2])
  })

test('Keeper finds out that the next hop has another link address', async () => {
  using world = await build()
  const netns = world.netns('edge1')
  writeSysctl(netns, 'net.ipv4.neigh.eth0.delay_first_probe_time', '1')
  writeSysctl(netns, 'net.ipv4.neigh.eth0.retrans_time_ms', '100')
  ipBatch(netns, [`neigh replace ${gateway[4]} lladdr 02:00:00:00:00:99 dev eth0 nud stale`])
  const { keeper } = await keep(world, { edge2: owner[4] })
  assert.equal(await isServed(world, 4, LOST_MS), false)
  await keeper.start()
  try {
    await until('packets arrive again', () => isServed(world, 4, LOST_MS))
  } finally {
    await keeper.stop()
  }
})

test('Keeper tells which backends it knows no way to, and where() that their packets are dropped', async () => {
  using world = await build()
  const { keeper, log } = await keep(world, { edge2: { address: owner[4], weight: 0 }, far: '10.0.1.77' })
  await keeper.start()
  await keeper.stop()
  assert.deepEqual(
    log.map(({ level, event, message }) => [level, event, message]),
    [['warn', 'ways', 'No route or no link address of backends, whose packets are dropped: far']],
  )
  const backends = await world.control('edge1').backends()
  assert.deepEqual(
    backends.map(({ name, resolved }) => [name, resolved]),
    [
      ['edge2', true],
      ['far', false],
    ],
  )
  const packet = buildPacket(ethernet(), ipv4({ src: CLIENT[4], dst: SERVICE4 }), udp({ srcport: 7, dstport: PORT }))
  const [where] = await world.control('edge1').where([packet])
  assert.equal(where!.why, 'it is dropped: no route to far, or no link address')
  assert.equal(where!.backend, undefined)
  assert.equal(await isServed(world, 4, LOST_MS), false)
  const { balancer } = await world.control('edge1').status()
  assert.ok(balancer!.outcomes['no-route']! > 0)
})
