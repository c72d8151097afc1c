import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { after, afterEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openMap } from '../../src/entry/open.ts'
import { Firewall } from '../../src/firewall/index.ts'
import { requireLive } from '../../src/firewall/live.ts'
import { ended, start } from '../../src/linux/process.ts'
import { parseAddress } from '../../src/net/address.ts'
import { buildPacket, ethernet, ipv4, ipv6, tcp } from '../../src/net/build.ts'
import { dissect } from '../../src/net/dissect.ts'
import type { Comparison, Expr, PrefixLengths } from '../../src/rules/ast.ts'
import { connectionLengths } from '../../src/rules/compile/index.ts'
import { CONNECTION_ROW_BYTES, cellsOf, countOf } from '../../src/rules/connections/index.ts'
import { evaluateExpr } from '../../src/rules/evaluate.ts'
import { formatExpr } from '../../src/rules/index.ts'
import { pool } from '../arbitraries/pool.ts'
import { Random } from '../arbitraries/random.ts'
import { lacking } from '../support/lacking.ts'
import { type LoadedRules, SECRET, slotOf } from '../support/load-rules.ts'
import { PacketRunner } from '../support/packet-runner.ts'
import { ClientWire } from './client-wire.ts'
import { Fixture } from './firewall-fixture.ts'

/** Set SEAWALL_APPLIES for fewer while connections come and go. */
const APPLIES = Number(process.env.SEAWALL_APPLIES ?? 16)

/** Set SEAWALL_PAIRS for a longer run. */
const SEEDS = Math.ceil(Number(process.env.SEAWALL_PAIRS ?? 110_000) / 4_500)

const fixture = new Fixture('rules')
const wire = new ClientWire(fixture.netns)
const children = new Set<ChildProcess>()

afterEach(async () => {
  await Promise.all([...children].map(end))
  await fixture.reset()
})

after(async () => {
  wire.remove()
  await fixture.remove()
})

const addresses = [...pool.ipv4, ...pool.ipv6]
const packetFrom = (src: string): Uint8Array =>
  buildPacket(ethernet(), src.includes(':') ? ipv6({ src }) : ipv4({ src }), tcp())

/** Random counts for what the maps of a program count by. */
function fill(random: Random, loaded: LoadedRules): void {
  for (const [symbol, map] of loaded.maps) {
    const lengths = connectionLengths(symbol)
    if (lengths === undefined) continue
    const cells = map.mmap()
    const view = new DataView(cells.buffer, cells.byteOffset)
    for (const address of addresses) {
      if (random.chance(0.3)) continue
      const [first, second] = cellsOf(parseAddress(address), lengths, SECRET)
      const count = random.pick([1, 2, 3, 100])
      view.setUint32(first * 4, count + random.int(0, 1), true)
      view.setUint32(CONNECTION_ROW_BYTES + second * 4, count, true)
    }
  }
}

test('conn.count means the same compiled as evaluated', async () => {
  const runner = await PacketRunner.create()
  const operators: readonly Comparison[] = ['==', '!=', '<', '<=', '>', '>=']
  const packets = [...addresses.map(packetFrom), buildPacket(ethernet({ type: 0x0806 }), new Uint8Array(28))]
  try {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new Random(seed)
      const lengths = { bits4: random.pick([32, 24, 9, 0]), bits6: random.pick([128, 64, 48, 65, 0]) }
      const test: Expr = {
        kind: 'connections',
        ...lengths,
        op: random.pick(operators),
        value: random.pick([0, 1, 2, 3]),
      }
      const when: Expr = random.chance(0.3) ? { kind: 'not', term: test } : test
      const loaded = await runner.load(
        { rules: [{ id: 'r0', action: { kind: 'drop' }, when }], malformed: 'drop' },
        new Map(),
      )
      fill(random, loaded)
      const [cells] = [...loaded.maps].flatMap(([symbol, map]) => (connectionLengths(symbol) ? [map.mmap()] : []))
      const env = {
        sets: { has: () => false },
        connections: (source: Parameters<typeof countOf>[1]) => countOf(cells!, source, lengths, SECRET),
      }
      const verdicts = runner.run(loaded, packets)
      packets.forEach((packet, i) => {
        const wanted = evaluateExpr(when, dissect(packet), env)
        assert.equal(verdicts[i]!.slot === slotOf(0), wanted, `seed ${seed}: ${formatExpr(when)}, ${addresses[i]}`)
      })
      loaded.close()
    }
  } finally {
    runner.close()
  }
})

/** Runs a script in Node inside a namespace. */
function run(netns: string, script: string): ChildProcess {
  const child = start(process.execPath, ['-e', script], { netns, stdio: ['pipe', 'pipe', 'inherit'] })
  children.add(child)
  return child
}

const outputs = new WeakMap<ChildProcess, Interface>()

/** Resolves when the child has written a line. */
function said(child: ChildProcess, line: string): Promise<void> {
  const output = outputs.get(child) ?? createInterface(child.stdout!).setMaxListeners(0)
  outputs.set(child, output)
  return new Promise((resolve) => {
    output.on('line', (each) => {
      if (each === line) resolve()
    })
  })
}

/** A server of both families in the fixture's namespace, which ends its side of a connection with the other. */
async function serve(): Promise<void> {
  const server = run(
    fixture.netns,
    `require('node:net').createServer((socket) => socket.on('error', () => {}).resume()).listen(80, '::', () => console.log('up'))`,
  )
  await said(server, 'up')
}

/** Opens connections from addresses of the other namespace and closes them again, all in one process. */
class Clients {
  readonly #child = run(
    wire.client,
    `const sockets = new Map()
    require('node:readline').createInterface(process.stdin).on('line', (line) => {
      const [id, from] = line.split(' ')
      if (!from) return sockets.get(id).destroy()
      const to = from.includes(':') ? 'fd97::1' : '10.97.0.1'
      const socket = require('node:net').connect({ host: to, port: 80, localAddress: from })
      sockets.set(id, socket.on('connect', () => console.log(id)))
    })`,
  )
  #ids = 0

  /** Begins to connect; `open` resolves when the connection is there. */
  connect(from: string): { readonly id: string; readonly open: Promise<void> } {
    const id = `connection-${this.#ids++}`
    const open = said(this.#child, id)
    this.#child.stdin!.write(`${id} ${from}\n`)
    return { id, open }
  }

  close({ id }: { readonly id: string }): void {
    this.#child.stdin!.write(`${id}\n`)
  }
}

async function end(child: ChildProcess): Promise<void> {
  children.delete(child)
  const over = ended(child)
  child.kill('SIGKILL')
  await over
}

/** Waits until something holds. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 500, `${what} never came true`)
    await sleep(20)
  }
}

const story =
  'limits the live connections of a source and of a prefix, over reloads, and lets new ones in as others end'

test(`conn.count ${story}`, { timeout: 300_000 }, async () => {
  const firewall = new Firewall(fixture.paths)
  const rules = [
    { id: 'source', drop: 'tcp.flags & SAFR == S and conn.count per ip.src >= 2' },
    { id: 'prefix', drop: 'tcp.flags & SAFR == S and conn.count per ip.src/24/48 >= 3' },
  ]
  const refused = (id: string): number => firewall.counters().rules[id]!.packets
  await firewall.apply(await fixture.config(rules, { interfaces: ['wire0'] }))
  await serve()
  const clients = new Clients()
  const first = clients.connect('10.97.0.2')
  await first.open
  await clients.connect('10.97.0.2').open
  const third = clients.connect('10.97.0.2')
  await until('a third connection refused', () => refused('source') > 0)
  await firewall.apply(await fixture.config([...rules, 'count if udp'], { interfaces: ['wire0'] }))
  await clients.connect('10.97.0.3').open
  const fourth = clients.connect('10.97.0.3')
  await until('a fourth connection of the prefix refused', () => refused('prefix') > 0)
  for (const source of ['fd97::2', 'fd97:0:0:1::2']) await clients.connect(source).open
  // Those that are refused would be there first: they go on asking.
  for (const client of [third, fourth, first]) clients.close(client)
  await clients.connect('10.97.0.2').open
  await Promise.all([...children].map(end))
  using counts = openCounts({ bits4: 24, bits6: 48 })
  await until('all connections gone', counts.noneLeft)
})

/** Where the clients of these tests are; others may have connections in other namespaces of the machine. */
const SOURCES = ['10.97.0.2', '10.97.0.3', 'fd97::2', 'fd97:0:0:1::2']

/** What the rules in force count by prefixes of these lengths. */
function openCounts(lengths: PrefixLengths) {
  const { folder, manifest } = requireLive(fixture.paths)
  const map = openMap(join(folder, `connections-${lengths.bits4}-${lengths.bits6}`))
  const cells = map.mmap()
  const secret = BigInt(`0x${manifest.secret}`)
  const of = (source: string): number => countOf(cells, parseAddress(source), lengths, secret)
  return { of, noneLeft: () => SOURCES.every((source) => of(source) === 0), [Symbol.dispose]: () => map.close() }
}

const olderCount = await lacking('socket-callbacks')

test('conn.count counts connections that were there before its rule, and their end', {
  skip: olderCount,
  timeout: 300_000,
}, async () => {
  const firewall = new Firewall(fixture.paths)
  await serve()
  const clients = new Clients()
  const before = (from: string, count: number) => Array.from({ length: count }, () => clients.connect(from))
  const [four, six] = [before('10.97.0.2', 25), before('fd97::2', 25)]
  await Promise.all([...four, ...six].map(({ open }) => open))
  const rule = { id: 'many', drop: 'tcp.flags & SAFR == S and conn.count per ip.src >= 25' }
  await firewall.apply(await fixture.config([rule], { interfaces: ['wire0'] }))
  using counts = openCounts({ bits4: 32, bits6: 64 })
  const refused = (): number => firewall.counters().rules.many!.packets
  for (const [from, first] of [
    ['10.97.0.2', four[0]!],
    ['fd97::2', six[0]!],
  ] as const) {
    assert.equal(counts.of(from), 25)
    const dropped = refused()
    const late = clients.connect(from)
    await until(`a connection of ${from} too many refused`, () => refused() > dropped)
    clients.close(late)
    clients.close(first)
    await until('one gone', () => counts.of(from) === 24)
    await clients.connect(from).open
    assert.equal(counts.of(from), 25)
  }
  await Promise.all([...children].map(end))
  await until('all connections gone', counts.noneLeft)
})

test('conn.count loses no connection and counts none twice that comes or goes while counting begins', {
  skip: olderCount,
  timeout: 300_000,
}, async () => {
  const firewall = new Firewall(fixture.paths)
  await serve()
  const staying = new Clients()
  await Promise.all(Array.from({ length: 20 }, () => staying.connect('10.97.0.3').open))
  const hasty = run(
    wire.client,
    `const from = ['10.97.0.2', 'fd97::2']
    const next = (i) => {
      const to = i % 2 ? 'fd97::1' : '10.97.0.1'
      const socket = require('node:net').connect({ host: to, port: 80, localAddress: from[i % 2] })
      socket.on('error', () => {}).on('connect', () => socket.destroy()).on('close', () => setImmediate(next, i))
    }
    for (let i = 0; i < 40; i++) next(i)
    console.log('hasty')`,
  )
  await said(hasty, 'hasty')
  for (let length = 33 - APPLIES; length <= 32; length++)
    await firewall.apply(
      await fixture.config([`drop if tcp and conn.count per ip.src/${length}/${length} > 1k`], {
        interfaces: ['wire0'],
      }),
    )
  using counts = openCounts({ bits4: 32, bits6: 32 })
  await end(hasty)
  await until('only those that stay are left', () => counts.of('10.97.0.2') === 0 && counts.of('fd97::2') === 0)
  assert.equal(counts.of('10.97.0.3'), 20)
  await Promise.all([...children].map(end))
  await until('all connections gone', counts.noneLeft)
})
