import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Firewall } from '../../src/firewall/index.ts'
import { openMap } from '../../src/firewall/open.ts'
import { ended, start } from '../../src/linux/process.ts'
import { parseAddress } from '../../src/net/address.ts'
import { buildPacket, ethernet, ipv4, ipv6, tcp } from '../../src/net/build.ts'
import { dissect } from '../../src/net/dissect.ts'
import type { Comparison, Expr } from '../../src/rules/ast.ts'
import { connectionLengths } from '../../src/rules/compile/index.ts'
import { CONNECTION_ROW_BYTES, cellsOf, countOf } from '../../src/rules/connections/index.ts'
import { evaluateExpr } from '../../src/rules/evaluate.ts'
import { formatExpr } from '../../src/rules/index.ts'
import { pool } from '../arbitraries/pool.ts'
import { Random } from '../arbitraries/random.ts'
import { type LoadedRules, SECRET, slotOf } from '../support/load-rules.ts'
import { PacketRunner } from '../support/packet-runner.ts'
import { ClientWire } from './client-wire.ts'
import { Fixture } from './firewall-fixture.ts'

const fixture = new Fixture('rules')
const wire = new ClientWire(fixture.netns)
const children = new Set<ChildProcess>()

afterEach(async () => {
  await Promise.all([...children].map(close))
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
    for (let seed = 1; seed <= 24; seed++) {
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

/** A server of both families in the fixture's namespace, which ends its side of a connection with the other. */
async function serve(): Promise<void> {
  const script = `require('node:net').createServer((socket) => socket.on('error', () => {}).resume()).listen(80, '::', () => console.log('up'))`
  const server = start(process.execPath, ['-e', script], { netns: fixture.netns, stdio: ['ignore', 'pipe', 'inherit'] })
  children.add(server)
  await said(server)
}

/** The first that a child writes. */
const said = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => child.stdout!.once('data', () => resolve()))

interface Client {
  readonly child: ChildProcess
  /** Resolves when the connection is there. */
  readonly open: Promise<void>
}

/** Connects from an address; the connection stays until the child is closed. */
function connect(from: string): Client {
  const to = from.includes(':') ? 'fd97::1' : '10.97.0.1'
  const script = `require('node:net').connect({ host: '${to}', port: 80, localAddress: '${from}' }, () => console.log('open'))`
  const child = start(process.execPath, ['-e', script], { netns: wire.client, stdio: ['ignore', 'pipe', 'inherit'] })
  children.add(child)
  return { child, open: said(child) }
}

async function close(child: ChildProcess): Promise<void> {
  children.delete(child)
  const end = ended(child)
  child.kill('SIGKILL')
  await end
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
  const first = connect('10.97.0.2')
  await first.open
  await connect('10.97.0.2').open
  const third = connect('10.97.0.2')
  await until('a third connection refused', () => refused('source') > 0)
  await firewall.apply(await fixture.config([...rules, 'count if udp'], { interfaces: ['wire0'] }))
  await connect('10.97.0.3').open
  const fourth = connect('10.97.0.3')
  await until('a fourth connection of the prefix refused', () => refused('prefix') > 0)
  for (const source of ['fd97::2', 'fd97:0:0:1::2']) await connect(source).open
  // Those that are refused would be there first: they go on asking.
  for (const { child } of [third, fourth, first]) await close(child)
  await connect('10.97.0.2').open
  await Promise.all([...children].map(close))
  const counts = openMap(join(fixture.paths.bpf, `gen-${firewall.status().generation}`, 'connections-24-48'))
  const cells = new Uint32Array(counts.mmap().buffer, counts.mmap().byteOffset, (2 * CONNECTION_ROW_BYTES) / 4)
  await until('all connections gone', () => cells.every((count) => count === 0))
  counts.close()
})
