import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { poolKey, type TableDocument } from './document.ts'
import { Fleet } from './fleet.ts'
import type { Wish } from './messages.ts'

const key = new Uint8Array(16).fill(7)
const names = ['a', 'b', 'c']
const timing = { everyMs: 20, silentMs: 1_000, quietMs: 60 }
/** `silentMs` where a wish waits for others: half as long, so a slow computer must not matter. */
const PATIENT_MS = 20_000

/** A machine: what its kernel sends packets by, and of which rows it has connections. */
interface Machine {
  readonly name: string
  readonly port: number
  readonly tables: TableDocument[]
  readonly wishes: Wish[]
  busy: readonly number[]
  fleet: Fleet | undefined
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function machines(t: TestContext, silentMs?: number): Promise<[Machine, Machine, Machine]> {
  const make = async (name: string): Promise<Machine> => ({
    name,
    port: await freePort(),
    tables: [],
    wishes: [],
    busy: [],
    fleet: undefined,
  })
  const all: [Machine, Machine, Machine] = [await make('a'), await make('b'), await make('c')]
  t.after(() => Promise.all(all.map(({ fleet }) => fleet?.close())))
  for (const one of all) await start(one, all, silentMs)
  return all
}

async function start(one: Machine, all: readonly Machine[], silentMs = timing.silentMs): Promise<void> {
  const document = one.tables.at(-1)
  one.fleet = await Fleet.open({
    self: one.name,
    machines: all.map(({ name, port }) => ({ name, host: '127.0.0.1', port })),
    key,
    host: '127.0.0.1',
    port: one.port,
    timing: { ...timing, silentMs },
    ...(document && { document }),
    hooks: {
      putInForce: async (document) => void one.tables.push(document),
      look: async () => ({ busy: [{ pool: poolKey(names), rows: Uint32Array.from(one.busy) }] }),
      wish: async (wish) => {
        one.wishes.push(wish)
        await decide(one, [1, 0, 2, 0, 3, 0, 1, 0], [wish.backend])
      },
      round: async () => {},
      failed: () => {},
    },
  })
}

async function decide({ fleet }: Machine, rows: readonly number[], drained: readonly string[] = []): Promise<void> {
  await fleet?.decide({ pools: [{ backends: names, rows: Uint16Array.from(rows) }], drained, dead: [], factors: [] })
}

/** Waits for what must come to be; the test runner ends what never does. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5)
}

const versions = (all: readonly Machine[]) => all.map(({ tables }) => tables.at(-1)?.version)

describe('Fleet', () => {
  test('machines send packets by the table of the first of them, and the next goes on with it when he is gone', async (t) => {
    const all = await machines(t)
    const [a, b, c] = all
    await until(() => a.fleet?.mayDecide === true)
    await decide(a, [1, 0, 2, 0, 3, 0, 1, 0])
    await until(() => versions(all).every((version) => version === 1) && b.fleet?.conductor === 'a')
    assert.deepEqual(c.tables, a.tables)
    await assert.rejects(decide(b, [1, 0]), { code: 'FLEET_NOT_CONDUCTOR', message: /"a" is$/ })

    await a.fleet?.close()
    await until(() => b.fleet?.mayDecide === true)
    await decide(b, [1, 0, 2, 0, 3, 0, 2, 1])
    await until(() => c.tables.at(-1)?.version === 2)
    assert.equal(c.tables.at(-1)?.conductor, 'b')

    await start(a, all)
    await until(() => a.fleet?.mayDecide === true && all.every(({ fleet }) => fleet?.conductor === 'a'))
    assert.equal(b.fleet?.mayDecide, false)
    assert.deepEqual(a.tables.at(-1), b.tables.at(-1))
  })

  test('a wish said anywhere is done by the one who decides, and everybody has it then', async (t) => {
    const all = await machines(t)
    const [a, , c] = all
    await until(() => a.fleet?.mayDecide === true && c.fleet?.conductor === 'a')
    assert.deepEqual(await c.fleet?.wish({ kind: 'drain', backend: 'b' }), { conductor: 'a', version: 1 })
    assert.deepEqual(a.wishes, [{ kind: 'drain', backend: 'b' }])
    await until(() => all.every(({ tables }) => tables.at(-1)?.drained[0] === 'b'))
    await Promise.all([a.fleet?.close(), all[1].fleet?.close()])
    a.fleet = undefined
    await until(() => c.fleet?.mayDecide === true)
    assert.deepEqual(await c.fleet?.wish({ kind: 'undrain', backend: 'b' }), { conductor: 'c', version: 2 })
  })

  test('a wish that comes before anybody decides is done when somebody does', async (t) => {
    const [, , c] = await machines(t, PATIENT_MS)
    assert.equal(c.fleet?.conductor, undefined)
    assert.deepEqual(await c.fleet?.wish({ kind: 'drain', backend: 'b' }), { conductor: 'a', version: 1 })
  })

  test('a wish of one who decides and is away for a moment is done when he is back', async (t) => {
    const all = await machines(t, PATIENT_MS)
    const [a, , c] = all
    await until(() => a.fleet?.mayDecide === true && c.fleet?.conductor === 'a')
    await a.fleet?.close()
    const wished = Promise.allSettled([c.fleet?.wish({ kind: 'drain', backend: 'b' })])
    await sleep(100)
    await start(a, all, PATIENT_MS)
    assert.deepEqual(await wished, [{ status: 'fulfilled', value: { conductor: 'a', version: 1 } }])
  })

  test('a slot may be freed when the previous owner has no connection any more, and not before', async (t) => {
    const all = await machines(t)
    const [a, b] = all
    b.busy = [1]
    await until(() => a.fleet?.mayDecide === true)
    await decide(a, [1, 0, 2, 0, 3, 0, 2, 0])
    await decide(a, [1, 0, 3, 2, 3, 0, 1, 2])
    await until(() => (a.fleet?.releasable().length ?? 0) > 0)
    assert.deepEqual(a.fleet?.releasable(), [{ pool: 0, quiet: [3], expired: [] }])
    b.busy = []
    await until(() => a.fleet?.releasable()[0]?.quiet.length === 2)
    await until(() => names.every((name) => a.fleet?.present().has(name)))
  })

  test('a machine that has left decides nothing, for nobody would hear of it', async (t) => {
    const [a] = await machines(t)
    await until(() => a.fleet?.mayDecide === true)
    await a.fleet?.close()
    await assert.rejects(decide(a, [1, 0, 2, 0, 3, 0, 1, 0]), { code: 'FLEET_LEFT', message: /try again/ })
    assert.deepEqual(a.tables, [])
  })
})
