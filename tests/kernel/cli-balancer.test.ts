import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiClient } from '../../src/agent/api/index.ts'
import type { BackendStatus, Impact, ServiceStatus, Where } from '../../src/balancer/index.ts'
import { exitCodes } from '../../src/cli/exit-codes.ts'
import { CliWorld } from './cli-world.ts'

const services = [
  { id: 'web', address: '192.0.2.53', port: 80, protocol: 'tcp' },
  { id: 'dns', address: '2001:db8:53::/64', port: 53, protocol: 'udp' },
]

const balancer = (backends: object) => ({
  balancer: { key: '9a0364b9e99bb480dd25e1f0284c8555', buckets: 256, backends, services },
})

let world: CliWorld

before(() => {
  world = new CliWorld()
  world.configure({ rules: [] }, balancer({ edge1: '10.77.0.1', edge2: '10.77.0.2' }))
})
after(() => world.remove())

const owned = async () =>
  Object.fromEntries((await world.json<BackendStatus[]>('backends')).map(({ name, buckets }) => [name, buckets]))
const where = (words: string) => world.json<{ packets: Where[] }>(`where ${words}`)

test('seawall services, backends, drain and where say that nothing is in force', async () => {
  for (const line of ['services', 'backends', 'drain edge1', 'where 00']) {
    assert.equal((await world.run(line)).code, exitCodes.notUp, line)
  }
})

test('seawall plan has services and backends, and services plan all of the buckets, of a first configuration', async () => {
  const { stdout } = await world.run('plan')
  assert.match(stdout, /^\+ service web {2}192\.0\.2\.53\/32 tcp 80 → edge1, edge2 \(gue\)$/m)
  assert.match(stdout, /^\+ backend edge2 {2}10\.77\.0\.2 weight 1 server id \d+$/m)
  assert.deepEqual(await world.json<Impact[]>('services plan'), [
    { services: ['web', 'dns'], buckets: 256, moved: 256, deferred: 0 },
  ])
})

test('seawall services and backends list what is in force', async () => {
  // The edge answers, so it has the link address of edge2 then.
  await world.send(9, 1)
  const applied = await world.run('apply')
  assert.equal(applied.code, 0, applied.stderr)
  assert.match((await world.run('services')).stdout, /^web +192\.0\.2\.53 +tcp 80 .*edge1 50\.0%, edge2 50\.0%$/m)
  assert.deepEqual(await owned(), { edge1: 128, edge2: 128 })
  assert.match((await world.run('backends')).stdout, /^edge1 .*this machine$/m)
  assert.match((await world.run('status')).stdout, /^balancer {2}2 services on 2 backends; this machine is edge1$/m)
})

test('seawall services plan says what another configuration would move', async () => {
  world.configure({ rules: [] }, balancer({ edge1: '10.77.0.1', edge2: { address: '10.77.0.2', weight: 3 } }))
  const [impact] = await world.json<Impact[]>('services plan')
  assert.deepEqual(impact, { services: ['web', 'dns'], buckets: 256, moved: 64, deferred: 0 })
  assert.deepEqual(await owned(), { edge1: 128, edge2: 128 })
})

test('seawall where follows the tables, for both families', async () => {
  const found = await Promise.all(
    Array.from({ length: 16 }, (_, port) => where(`tcp 203.0.113.7:${40_000 + port} 192.0.2.53:80`)),
  )
  const packets = found.flatMap((one) => one.packets)
  assert.ok(packets.every(({ service, bucket }) => service === 'web' && bucket !== undefined && bucket < 256))
  assert.deepEqual([...new Set(packets.map(({ backend }) => backend))].sort(), ['edge1', 'edge2'])
  const [dns] = (await where('udp [2001:db8::7]:4433 [2001:db8:53::9]:53')).packets
  assert.equal(dns!.service, 'dns')
  const [other] = (await where('tcp 203.0.113.7:40000 192.0.2.53:81')).packets
  assert.equal(other!.service, undefined)
  assert.match(other!.why, /no service/)
})

test('seawall drain moves all buckets away, and undrain brings as many back', async () => {
  const drained = await world.run('drain edge2')
  assert.equal(drained.code, 0, drained.stderr)
  assert.match(drained.stdout, /^draining {2}edge2 gets no new connections; it may have connections of 128 buckets/)
  assert.deepEqual(await owned(), { edge1: 256, edge2: 0 })
  const [web] = await world.json<ServiceStatus[]>('services')
  assert.equal(web!.inTransition, 128)
  const [packet] = (await where('tcp 203.0.113.7:40000 192.0.2.53:80')).packets
  assert.equal(packet!.backend, 'edge1')
  assert.match((await world.run('backends --state draining')).stdout, /^edge2 /m)
  assert.equal((await world.run('drain edge9')).code, exitCodes.usage)
  const undrained = await world.run('undrain edge2')
  assert.equal(undrained.code, 0, undrained.stderr)
  assert.match(undrained.stdout, /^active {2}edge2 owns 128 buckets$/m)
  assert.deepEqual(await owned(), { edge1: 128, edge2: 128 })
})

test('an agent answers the same, and has it in its metrics', async () => {
  world.configure({ rules: [] }, balancer({ edge1: '10.77.0.1', edge2: '10.77.0.2' }))
  await world.up()
  // Buckets in transition since the test before move once the agent has seen that nobody has connections of them.
  assert.equal((await world.run('drain edge2')).code, 0)
  for (let tries = 0; tries < 200 && (await owned()).edge2 !== 0; tries++) await sleep(50)
  assert.deepEqual(await owned(), { edge1: 256, edge2: 0 })
  const [packet] = (await where('tcp 203.0.113.7:40000 192.0.2.53:80')).packets
  assert.equal(packet!.backend, 'edge1')
  const text = await new ApiClient(join(world.folder, 'run/seawall.sock')).metrics()
  assert.match(text, /^seawall_balancer_backend_draining\{backend="edge2"\} 1$/m)
  assert.match(text, /^seawall_balancer_table_buckets\{table="web",backend="edge1"\} 256$/m)
  assert.match(text, /^seawall_balancer_service_info\{service="dns",table="web"\} 1$/m)
  assert.equal((await world.run('undrain edge2')).code, 0)
})
