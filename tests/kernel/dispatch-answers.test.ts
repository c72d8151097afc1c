import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { Program } from '../../src/bpf/index.ts'
import { readBinding } from '../../src/dispatch/index.ts'
import { LiveDispatch } from '../../src/dispatch/live.ts'
import { openLink } from '../../src/entry/open.ts'
import { DispatchWorld } from './dispatch-world.ts'

const support = (name: string): string => new URL(`../support/${name}`, import.meta.url).pathname
const PORT = 5300
const ADDRESSES = { 4: '192.0.2.7', 6: '2001:db8::7' } as const
const CLIENTS = 100

/** Set SEAWALL_SPOOFED for fewer. */
const SPOOFED = Number(process.env.SEAWALL_SPOOFED ?? 100_000)

const binding = (label: string, family: 4 | 6, flows: string) =>
  readBinding({ label, protocol: 'udp', prefix: ADDRESSES[family], port: `${PORT}`, flows })

const answerer = (world: DispatchWorld, ...args: readonly string[]): Promise<ChildProcess> =>
  world.serve('python3', [support('choosy-answerer.py'), ...args])

const greeters = (world: DispatchWorld, first: number): Promise<ChildProcess> =>
  world.serve('python3', [support('greeters.py'), `${first}`, `${CLIENTS}`])

/** How often each answer came. */
async function greet(clients: ChildProcess, family: 4 | 6): Promise<Record<string, number>> {
  clients.stdin!.write(`${ADDRESSES[family]} ${PORT}\n`)
  let text = ''
  while (!/\{.*\}/.test(text)) text += String((await once(clients.stdout!, 'data'))[0])
  return JSON.parse(text)
}

async function restart(world: DispatchWorld, ...args: readonly string[]): Promise<ChildProcess> {
  const server = await answerer(world, ...args)
  await world.dispatch.registerProcess('game', { pid: server.pid! }, 'new')
  await world.dispatch.promote('game')
  return server
}

const flowsIn = async (world: DispatchWorld): Promise<readonly number[]> =>
  (await world.dispatch.generations()).map(({ flows }) => flows)

const CASES = [
  { text: 'a socket of IPv4 that says from where', host: '127.0.0.1', families: [4], plain: false },
  { text: 'a socket of IPv6 that says from where', host: '::1', families: [6], plain: false },
  { text: 'a socket of both families', host: '::', families: [4, 6], plain: false },
  { text: 'a socket of one address', host: ADDRESSES[4], families: [4], plain: true },
  { text: 'a socket of one IPv6 address', host: ADDRESSES[6], families: [6], plain: true },
  { text: 'a socket of all addresses, for which the kernel chooses one', host: '0.0.0.0', families: [4], plain: true },
] as const

for (const { text, host, families, plain } of CASES)
  test(`clients that were answered stay with their generation: ${text}`, async () => {
    await using world = new DispatchWorld()
    const place = [host, `${PORT}`, ...(plain ? ['plain'] : [])]
    await world.dispatch.bind(families.map((family) => binding('game', family, 'answer')))
    const old = await answerer(world, 'old', ...place)
    await world.register('game', old)
    const [known, strangers] = [await greeters(world, 20_000), await greeters(world, 21_000)]
    for (const family of families) assert.deepEqual(await greet(known, family), { old: CLIENTS })
    await restart(world, 'new', ...place)
    for (const family of families) {
      assert.deepEqual(await greet(known, family), { old: CLIENTS })
      assert.deepEqual(await greet(strangers, family), { new: CLIENTS })
      assert.deepEqual(await greet(known, family), { old: CLIENTS })
    }
    const each = families.length * CLIENTS
    assert.deepEqual(await flowsIn(world), [each, each])
    await world.stop(old)
    for (const family of families) assert.deepEqual(await greet(known, family), { new: CLIENTS })
    await restart(world, 'third', ...place)
    for (const family of families)
      for (const clients of [known, strangers]) assert.deepEqual(await greet(clients, family), { new: CLIENTS })
    const { destinations } = world.dispatch.status()
    for (const { noted, kept } of destinations) assert.deepEqual([noted, kept], [3 * CLIENTS, 4 * CLIENTS])
  })

test('datagrams of spoofed clients, which are not answered, fill nothing', async () => {
  await using world = new DispatchWorld()
  await world.dispatch.bind([binding('game', 4, 'answer'), binding('game', 6, 'answer')])
  await world.register('game', await answerer(world, 'game', '::', `${PORT}`))
  for (const [family, prefix] of [
    [4, '198.51.100.0/24'],
    [6, '2001:db8:1::/64'],
  ] as const) {
    const args = [support('spoofer.py'), ADDRESSES[family], `${PORT}`, prefix, `${SPOOFED}`]
    const { stdout, stderr } = await world.run('python3', args)
    assert.equal(stdout.trim(), `${SPOOFED}`, stderr)
  }
  const { destinations } = world.dispatch.status()
  for (const { dispatched, noted } of destinations) assert.deepEqual([dispatched, noted], [SPOOFED, 0])
  using live = LiveDispatch.require(world.paths)
  assert.equal([...live.map('flows').keys()].length, 0)
  assert.deepEqual(await greet(await greeters(world, 20_000), 4), { game: CLIENTS })
  assert.deepEqual(await flowsIn(world), [CLIENTS])
})

test('only labels that say so have their answers noted, from when they do until they do not', async () => {
  await using world = new DispatchWorld()
  await world.dispatch.bind([binding('game', 4, 'answer'), binding('dns', 6, 'none')])
  await world.register('game', await answerer(world, 'game', '127.0.0.1', `${PORT}`))
  await world.register('dns', await answerer(world, 'dns', '::1', `${PORT}`))
  const clients = await greeters(world, 20_000)
  const noted = async () => {
    assert.deepEqual([await greet(clients, 4), await greet(clients, 6)], [{ game: CLIENTS }, { dns: CLIENTS }])
    return Object.fromEntries(world.dispatch.status().destinations.map(({ label, noted }) => [label, noted]))
  }
  assert.deepEqual(await noted(), { game: CLIENTS, dns: 0 })
  await world.dispatch.bind([binding('dns', 6, 'answer')])
  assert.deepEqual(await noted(), { game: CLIENTS, dns: CLIENTS })
  await world.dispatch.bind([binding('game', 4, 'none'), binding('dns', 6, 'first-packet')])
  using live = LiveDispatch.require(world.paths)
  for (const key of [...live.map('flows').keys()]) live.map('flows').deleteRaw(key)
  assert.deepEqual(await noted(), { game: CLIENTS, dns: CLIENTS })
})

test('the programs are attached with the first binding that wants them, and removed with all state', async () => {
  await using world = new DispatchWorld()
  await world.dispatch.bind([binding('game', 4, 'first-packet')])
  const state = () => {
    using live = LiveDispatch.require(world.paths)
    return live.state
  }
  const programs = () =>
    ['sendmsg4', 'sendmsg6'].map((pin) => {
      using link = openLink(join(state(), 'answers', pin))
      return link.info().programId
    })
  assert.throws(programs)
  await world.dispatch.bind([binding('game', 6, 'answer')])
  const before = programs()
  await world.dispatch.bind([binding('game', 4, 'answer')])
  assert.deepEqual(programs(), before)
  await world.dispatch.unload()
  for (const id of before) await gone(id)
  await world.dispatch.bind([binding('game', 4, 'answer')])
  assert.equal(programs().length, 2)
})

/** The kernel frees programs some time after they are detached. */
async function gone(program: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    try {
      Program.openId(program).close()
    } catch {
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.fail(`program ${program} is there still`)
}
