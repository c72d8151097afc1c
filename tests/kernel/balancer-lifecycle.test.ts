import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { encodeDocument, type TableDocument } from '../../src/balancer/fleet/document.ts'
import { readManifest } from '../../src/balancer/manifest.ts'
import { writeDocument } from '../../src/entry/document.ts'
import { assertUnbroken, BalancerWorld, owned, SERVICE4, until } from './balancer-world.ts'

const PORT = 8080
const services = [{ id: 'web', address: SERVICE4, port: PORT, protocol: 'tcp' }]

/** Connections that talk while a test does what it does. */
const CONNECTIONS = 90

const rowsOf = (document: TableDocument): string => encodeDocument({ ...document, version: 1 })

/** A world whose edges own parts of the table, and connections to them. */
async function begin(weights: Readonly<Record<string, number>>) {
  const world = await BalancerWorld.build(3)
  try {
    await world.serve(PORT)
    await world.apply({ backends: world.backends(weights), services })
    const talkers = world.talkers({ host: SERVICE4, port: PORT })
    await talkers.open(CONNECTIONS)
    return { world, talkers, assertUnbroken: () => assertUnbroken(talkers), [Symbol.dispose]: () => world.close() }
  } catch (error) {
    world.close()
    throw error
  }
}

test('Control.rollback() brings the balancer back that was there before, and connections stay', async () => {
  using it = await begin({ edge1: 1, edge2: 1 })
  const { world, assertUnbroken } = it
  const config = world.config({ backends: world.backends({ edge1: 1, edge2: 1, edge3: 2 }), services })
  for (const edge of world.edges) await world.control(edge).apply({ config, confirmWithinMs: 600_000 })
  await it.talkers.open(CONNECTIONS)
  assert.ok(owned(world.tables('edge1'), 'edge3').buckets > 0)
  for (const edge of world.edges) await world.control(edge).rollback()
  assert.deepEqual(
    (await world.control('edge1').backends()).map(({ name }) => name),
    ['edge1', 'edge2'],
  )
  const { buckets, previous } = owned(world.tables('edge1'), 'edge3')
  assert.deepEqual([buckets, previous > 0], [0, true], 'it keeps the connections that it got')
  await assertUnbroken()
})

test('Agent rolls a balancer back that nobody confirms', async () => {
  using it = await begin({ edge1: 1, edge2: 1, edge3: 1 })
  const { world, assertUnbroken } = it
  const before = world.config({ backends: world.backends(), services }, {}, 'before')
  await world.startAgent('edge1', before)
  const config = world.config({ backends: world.backends({ edge1: 1, edge2: 1, edge3: 7 }), services })
  await world.agent('edge1').apply({ config, confirmWithinMs: 1_000 })
  await until('it is rolled back', async () => (await world.agent('edge1').status()).firewall?.pending === undefined)
  const weights = (await world.agent('edge1').backends()).map(({ weight }) => weight)
  assert.deepEqual(weights, [1, 1, 1])
  await assertUnbroken()
})

test('Control.drop() and undo() of a rule leave the balancer as it is', async () => {
  using it = await begin({ edge1: 3, edge2: 2, edge3: 1 })
  const { world, assertUnbroken } = it
  const before = rowsOf(world.tables('edge1'))
  const counted = (await world.control('edge1').status()).balancer!.outcomes
  const { id } = await world.control('edge1').drop('udp.dstport == 9')
  assert.equal(rowsOf(world.tables('edge1')), before)
  await assertUnbroken()
  await world.control('edge1').undo(id)
  assert.equal(rowsOf(world.tables('edge1')), before)
  const { local } = (await world.control('edge1').status()).balancer!.outcomes
  assert.ok(local! > counted.local!, 'counters go on')
  await assertUnbroken()
})

test('Agent adopts the tables of one that was killed', async () => {
  using it = await begin({ edge1: 1, edge2: 1, edge3: 1 })
  const { world, assertUnbroken } = it
  const config = world.config({ backends: world.backends(), services })
  const agent = await world.startAgent('edge1', config)
  for (const edge of ['edge2', 'edge3']) await world.control(edge).drain('edge3')
  await world.agent('edge1').drain('edge3')
  const before = rowsOf(world.tables('edge1'))
  await agent.kill()
  await assertUnbroken()
  await world.startAgent('edge1', config)
  assert.equal((await world.agent('edge1').status()).agent!.adopted, true)
  assert.equal(rowsOf(world.tables('edge1')), before)
  assert.deepEqual(world.tables('edge1').drained, ['edge3'])
  await assertUnbroken()
})

test('Agent forgets previous owners when the time of a transition is over', async () => {
  using world = await BalancerWorld.build(2)
  const config = (weights: Readonly<Record<string, number>>) =>
    world.config({ backends: world.backends(weights), services, transition: '1s' })
  await world.startAgent('edge1', config({ edge1: 1, edge2: 1 }))
  await world.agent('edge1').apply({ config: config({ edge1: 1, edge2: 3 }) })
  assert.ok(owned(world.tables('edge1'), 'edge1').previous > 0)
  await until('slots are free', () => owned(world.tables('edge1'), 'edge1').previous === 0)
  assert.equal(owned(world.tables('edge1'), 'edge2').buckets, 12_288)
})

test('Control.drain() is refused on a machine of a fleet without its agent', async () => {
  using world = await BalancerWorld.build(2)
  await world.apply({ backends: world.backends(), services, fleet: {} })
  const before = world.tables('edge1')
  for (const kind of ['drain', 'undrain'] as const)
    await assert.rejects(world.control('edge1')[kind]('edge2'), {
      code: 'SEAWALL_FLEET',
      message: /"edge2".*start it with seawall up/,
    })
  assert.deepEqual(world.tables('edge1'), before)
})

test('Control.apply() of a configuration without a balancer takes it away, and down() takes all away', async () => {
  using world = await BalancerWorld.build(2)
  await world.apply({ backends: world.backends(), services })
  const control = world.control('edge1')
  const { plan } = await control.apply({ config: world.config(undefined) })
  assert.ok(plan.changes.length > 0)
  assert.equal((await control.status()).balancer, undefined)
  await assert.rejects(control.services(), { code: 'SEAWALL_NO_BALANCER' })
  await control.rollback()
  assert.equal((await control.services()).length, 1)
  await control.down()
  assert.deepEqual(await control.status(), { running: false })
  assert.equal(existsSync(world.paths('edge1').bpf), false)
  await assert.rejects(control.backends(), { code: 'SEAWALL_NO_BALANCER' })
})

test('Control.apply() of a configuration with mistakes changes nothing', async () => {
  using it = await begin({ edge1: 1, edge2: 1, edge3: 1 })
  const { world, assertUnbroken } = it
  const before = rowsOf(world.tables('edge1'))
  const { generation } = (await world.control('edge1').status()).firewall!
  for (const [balancer, message] of [
    [{ backends: { edge1: '10.0.1.2' }, services: [{ ...services[0], backends: ['edge2'] }] }, /edge2/],
    [{ backends: world.backends(), services: [{ ...services[0], address: '10.0.1.2' }] }, /10\.0\.1\.2/],
    [{ backends: world.backends(), services, buckets: 1_000 }, /1024/],
  ] as const)
    await assert.rejects(world.control('edge1').apply({ config: world.config(balancer) }), {
      code: 'SEAWALL_CONFIG',
      message,
    })
  assert.equal(rowsOf(world.tables('edge1')), before)
  assert.equal((await world.control('edge1').status()).firewall!.generation, generation)
  await assertUnbroken()
})

test('Balancer of another version is refused, and down() removes it', async () => {
  using world = await BalancerWorld.build(2)
  const balancer = { backends: world.backends(), services }
  await world.apply(balancer)
  const folder = world.live('edge1', (live) => live.folder)
  writeDocument(folder, 'manifest', { ...readManifest(folder), layout: 'another' })
  const refused = { code: 'SEAWALL_STATE_VERSION', message: /layout another, wanted [0-9a-f]{16}.*seawall down/ }
  const control = world.control('edge1')
  await assert.rejects(control.services(), refused)
  await assert.rejects(control.apply({ config: world.config({ ...balancer, guePort: 6_081 }) }), refused)
  await control.down()
  await control.apply({ config: world.config(balancer) })
  assert.equal((await control.services()).length, 1)
})

test('Balancer with other numbers of rows begins with a new table', async () => {
  using world = await BalancerWorld.build(2)
  await world.apply({ backends: world.backends(), services })
  await world.apply({ backends: world.backends(), services, buckets: 1_024 })
  const [web] = await world.control('edge1').services()
  assert.deepEqual([web!.buckets, web!.inTransition, web!.shares.map(({ buckets }) => buckets)], [1_024, 0, [512, 512]])
})
