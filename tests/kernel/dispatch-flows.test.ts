import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { DispatchWorld } from './dispatch-world.ts'

const SERVER = new URL('../../lab/game/server.py', import.meta.url).pathname
const PLAYERS = new URL('../support/game-players.py', import.meta.url).pathname
const PORT = 27_015

/** Set SEAWALL_FLOWS for fewer. */
const FLOWS = Number(process.env.SEAWALL_FLOWS ?? 10_000)
const RESTARTS = 20

/** A process that answers each line with one of JSON. */
class Players {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(child: ChildProcess) {
    this.#child = child
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  }

  async ask(line: string): Promise<unknown> {
    this.#child.stdin!.write(`${line}\n`)
    for (;;) {
      const { value, done } = await this.#lines.next()
      assert.ok(!done, 'the players have ended')
      if (value !== '') return JSON.parse(value)
    }
  }
}

for (const [prefix, bound, loopback] of [
  ['192.0.2.', '192.0.2.0/24', '127.0.0.1'],
  ['2001:db8::', '2001:db8::/112', '::1'],
] as const) {
  const serve = async (world: DispatchWorld, name: string) =>
    await world.serve('python3', [SERVER, name, `${PORT}`, loopback])
  const start = async (world: DispatchWorld, flows: number) =>
    new Players(await world.serve('python3', [PLAYERS, `${flows}`, `${PORT}`, prefix]))

  test(`${FLOWS} flows to ${bound} stay with their servers through ${RESTARTS} restarts, and new ones go to the last`, async () => {
    await using world = new DispatchWorld()
    await world.bindWith({ flows: 'first-packet' }, `game udp ${bound} ${PORT}`)
    const players = await start(world, FLOWS)
    const each = Math.floor(FLOWS / (RESTARTS + 1))
    await world.register('game', await serve(world, 's1'))
    for (let number = 1; number <= RESTARTS + 1; number++) {
      if (number > 1) {
        await world.register('game', await serve(world, `s${number}`), 'new')
        await world.dispatch.promote('game')
      }
      const count = number <= RESTARTS ? each : FLOWS - each * RESTARTS
      assert.deepEqual(await players.ask(`join ${count}`), { [`s${number}`]: count })
    }
    assert.deepEqual(await players.ask('play'), { kept: FLOWS })
    const generations = await world.dispatch.generations()
    assert.deepEqual(
      generations.map(({ flows }) => flows),
      [...Array(RESTARTS).fill(each), FLOWS - each * RESTARTS],
    )
  })

  test(`flows to ${bound} reach the wrong server where they are not kept, and the next one when theirs has ended`, async () => {
    await using world = new DispatchWorld()
    await world.bind(`game udp ${bound} ${PORT}`)
    const players = await start(world, 200)
    const first = await serve(world, 'first')
    await world.register('game', first)
    assert.deepEqual(await players.ask('join 100'), { first: 100 })
    await world.register('game', await serve(world, 'second'), 'new')
    await world.dispatch.promote('game')
    assert.deepEqual(await players.ask('play'), { 'moved from first to stranger': 100 })
    await world.bindWith({ flows: 'first-packet', idle: '1h' }, `game udp ${bound} ${PORT}`)
    assert.deepEqual(await players.ask('join 100'), { second: 100 })
    await world.dispatch.promote('game', 'previous')
    assert.deepEqual(await players.ask('play'), { kept: 200 })
    await world.dispatch.promote('game', 2)
    assert.deepEqual(await players.ask('play'), { kept: 200 })
    await world.stop(first)
    assert.deepEqual(await players.ask('play'), { 'moved from first to stranger': 100, kept: 100 })
  })
}

test('a flow without datagrams for the time of its binding goes to the generation that works', async () => {
  await using world = new DispatchWorld()
  await world.bindWith({ flows: 'first-packet', idle: '1s' }, `game udp 192.0.2.0/24 ${PORT}`)
  // What is bound to others, with other times, has nothing to do with it.
  await world.bind('web tcp 192.0.2.0/24 any')
  await world.bindWith({ flows: 'first-packet', idle: '1h' }, 'voice udp 192.0.2.0/24 9999')
  const one = await world.serve('python3', [SERVER, 'one', `${PORT}`, '127.0.0.1'])
  await world.register('game', one)
  const players = new Players(await world.serve('python3', [PLAYERS, '10', `${PORT}`, '192.0.2.']))
  assert.deepEqual(await players.ask('join 10'), { one: 10 })
  await world.register('game', await world.serve('python3', [SERVER, 'two', `${PORT}`, '127.0.0.1']), 'new')
  await world.dispatch.promote('game')
  const flows = async () => (await world.dispatch.generations()).map((one) => one.flows)
  assert.deepEqual(await players.ask('play'), { kept: 10 })
  while ((await flows())[0] !== 0) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.deepEqual(await players.ask('play'), { 'moved from one to stranger': 10 })
  assert.deepEqual(await flows(), [0, 10])
})
