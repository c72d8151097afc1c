import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { ipBatch } from '../../src/linux/interface.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { ended, start } from '../../src/linux/process.ts'
import { BalancerWorld, SERVICE4, SERVICE6 } from './balancer-world.ts'

// A way between servers that is no longer than that of clients.

const PORT = 8080
const BODY = 'x'.repeat(50_000)
const services = [SERVICE4, SERVICE6].map((address, index) => {
  return { id: `web${index}`, address, port: PORT, protocol: 'tcp' }
})

async function build(): Promise<BalancerWorld> {
  const world = await BalancerWorld.build(2, { edgeMtu: 1_500 })
  world.route('edge1')
  const web = createServer((request, response) => void request.resume().on('end', () => response.end('all of it')))
  inNetns(world.netns('edge2'), () => void web.listen(PORT))
  world.onClose(() => {
    web.close()
    web.closeAllConnections()
  })
  await world.apply({ buckets: 256, backends: { edge2: '10.0.2.2' }, services })
  return world
}

/** A client sends more than fits into one packet to both services. */
async function upload(world: BalancerWorld): Promise<void> {
  for (const host of [SERVICE4, `[${SERVICE6}]`]) {
    const args = ['--silent', '--show-error', '--max-time', '60', '--data-binary', BODY, `http://${host}:${PORT}/`]
    const netns = world.netns('clients')
    const { code, stdout, stderr } = await ended(start('curl', args, { netns, stdio: ['ignore', 'pipe', 'pipe'] }))
    assert.deepEqual([code, stdout, stderr], [0, 'all of it', ''])
  }
}

const answered = async (world: BalancerWorld): Promise<number> =>
  (await world.control('edge1').status()).balancer!.outcomes['too-big']!

test('Control.plan() says which advmss of routes has clients send no more than fits, and it does', async () => {
  using world = await build()
  const config = world.config({ buckets: 256, backends: { edge2: '10.0.2.2' }, services })
  const [warning, ...others] = (await world.control('edge1').plan(config)).warnings
  assert.deepEqual(others, [])
  const [, four, six] = /give the routes to clients advmss (\d+), those of IPv6 (\d+)/.exec(warning!)!
  ipBatch(world.netns('edge2'), [
    `route change default via 10.0.2.1 advmss ${four}`,
    `route change default via fd00:0:0:2::1 advmss ${six}`,
  ])
  await upload(world)
  assert.equal(await answered(world), 0)
})

test('Balancer tells senders what fits where routes have no advmss, and all of it arrives', async () => {
  using world = await build()
  await upload(world)
  const count = await answered(world)
  assert.ok(count >= 2, `${count} packets were answered`)
})

test('Control.plan() warns of ways that are too short for the longest headers, and not of others', async () => {
  for (const edgeMtu of [1_559, 1_560]) {
    using world = await BalancerWorld.build(2, { edgeMtu })
    const config = world.config({ backends: { edge2: 'fd00:0:0:2::2' }, services })
    const { warnings } = await world.control('edge1').plan(config)
    const wanted = warnings.map((text) => /MTU is \d+, wanted \d+/.exec(text)?.[0])
    assert.deepEqual(wanted, edgeMtu === 1_560 ? [] : ['MTU is 1559, wanted 1560'])
  }
})
