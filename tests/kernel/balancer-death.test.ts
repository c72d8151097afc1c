import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startTalkServer } from '../../lab/talk/talkers.ts'
import { takeLock } from '../../src/entry/lock.ts'
import { BalancerWorld, SERVICE4 } from './balancer-world.ts'

const PORT = 8080
/** Only a machine that hangs comes near it. */
const PATIENCE_MS = 60_000

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !(await isSo()); await sleep(200))
    assert.ok(performance.now() < end, `waited in vain: ${what}`)
}

test('Seawall takes the buckets of a server that has ended, tells why, and gives them back when it serves again', async () => {
  using world = await BalancerWorld.build(3)
  const check = { tcp: true, every: '300ms', timeout: '200ms', fall: 2, rise: 2 }
  const services = [{ id: 'web', address: SERVICE4, port: PORT, protocol: 'tcp', check }]
  const servers = new Map<string, Awaited<ReturnType<typeof startTalkServer>>>()
  for (const edge of world.edges) {
    const server = await startTalkServer(world.netns(edge), edge, PORT)
    world.onClose(() => server.kill('SIGKILL'))
    servers.set(edge, server)
  }
  const config = world.config({ backends: world.backends(), services, fleet: { port: 9436 } })
  for (const edge of world.edges) await world.startAgent(edge, config)
  const owned = async (edge: string): Promise<number[]> => {
    return (await world.control(edge).services())[0]!.shares.map(({ buckets }) => buckets)
  }
  await until(
    'all tables agree',
    async () => new Set(await Promise.all(world.edges.map(async (edge) => String(await owned(edge))))).size === 1,
  )

  // Whoever changes something just then for longer than an agent waits delays it, no more.
  const lock = await takeLock(world.paths('edge1').run, 'lock', 5_000)
  servers.get('edge2')!.kill('SIGKILL')
  await sleep(8_000)
  lock.release()
  for (const edge of world.edges) await until(`${edge} takes edge2's buckets`, async () => (await owned(edge))[1] === 0)
  const dead = (await world.control('edge3').backends()).find(({ name }) => name === 'edge2')!
  assert.deepEqual([dead.state, dead.buckets, dead.previous], ['down', 0, 0])
  assert.ok((await world.control('edge3').services())[0]!.shares[1]!.down)

  const again = await startTalkServer(world.netns('edge2'), 'edge2', PORT)
  world.onClose(() => again.kill('SIGKILL'))
  for (const edge of world.edges)
    await until(`${edge} gives edge2 its share`, async () => (await owned(edge))[1]! > 5_000)
})
