import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { ipBatch, setOffloads } from '../../src/linux/interface.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { ended, start } from '../../src/linux/process.ts'
import { addressBytes, parseAddress } from '../../src/net/address.ts'
import { hex, readInner, readIp } from '../support/balancer-reader.ts'
import { lacking } from '../support/lacking.ts'
import { PacketSocket } from '../support/packet-socket.ts'
import { isEchoed, startEcho } from '../support/udp-echo.ts'
import { BalancerWorld, CLIENT, type Family, families, SERVICE, SERVICE4, SERVICE6, until } from './balancer-world.ts'

// The kernel's own tunnels as backends: edge1 balances, and edge2, which knows nothing of Seawall, serves.

const PORT = 8080
const GUE_PORT = 6080
const ETHERNET_BYTES = 14

/** Bytes that are sent by TCP, so that there are packets of full size. */
const BODY_BYTES = 20_000

/** Of datagrams, up to the longest that fits into a packet of 1,500 bytes with either header. */
const DATAGRAMS = [1, 2, 3, 64, 999, 1_000, 1_451, 1_452]

/** Ports of clients, each used once. */
let nextPort = 40_000

const owner = { 4: '10.0.2.2', 6: 'fd00:0:0:2::2' }
/** Of a server that is gone: half of the buckets were its own. */
const gone = { 4: '10.0.2.9', 6: 'fd00:0:0:2::9' }

/** Which device takes packets of a family out of those of another. */
const devices: Readonly<Record<Family, Readonly<Record<Family, string>>>> = {
  4: { 4: 'ipip', 6: 'sit' },
  6: { 4: 'ip6tnl', 6: 'ip6tnl' },
}

const skip = await lacking('kernel-tunnels')

let world: BalancerWorld

before(async () => {
  if (skip !== false) return
  world = await BalancerWorld.build(2)
  world.route('edge1')
  receive()
  serve()
})
after(() => world?.close())

for (const encapsulation of ['ipip', 'gue'] as const)
  for (const outer of families)
    test(`Balancer sends by ${encapsulation} over IPv${outer} what a kernel takes out as it was`, {
      skip,
    }, async () => {
      await balance(outer, encapsulation)
      for (const inner of families) {
        const passage = new Passage(outer, inner)
        try {
          await talk(inner)
          const { sent, carried, taken } = await passage.all()
          assert.ok(sent.length > 2 * DATAGRAMS.length)
          assert.deepEqual(taken, sent, 'each packet comes out byte for byte as it went in')
          assert.equal(carried.length, sent.length)
          assert.deepEqual(hopLists(carried), encapsulation === 'gue' ? [0, 1] : [])
        } finally {
          passage.close()
        }
      }
    })

/** Tunnels that take what comes for edge2 from anybody. Nothing may be merged on the way, or packets would not be those that were sent. */
function receive(): void {
  const netns = world.netns('edge2')
  ipBatch(netns, [
    `link add ipip type ipip local ${owner[4]}`,
    `link add sit type sit local ${owner[4]}`,
    `link add ip6tnl type ip6tnl local ${owner[6]} mode any`,
    `fou add port ${GUE_PORT} gue`,
    `fou add port ${GUE_PORT} gue -6`,
    ...['ipip', 'sit', 'ip6tnl'].map((name) => `link set ${name} up`),
  ])
  for (const name of ['ipip', 'sit', 'ip6tnl', 'eth0']) setOffloads(netns, name, { gro: 'off' })
  setOffloads(world.netns('router'), 'edge1', { gro: 'off' })
}

/** On edge2 servers that answer with what they were asked. */
function serve(): void {
  const netns = world.netns('edge2')
  const web = createServer((request, response) => void request.pipe(response))
  inNetns(netns, () => void web.listen(PORT))
  world.onClose(() => {
    web.close()
    web.closeAllConnections()
  })
  for (const family of families) world.onClose(startEcho({ netns, address: SERVICE[family], port: PORT }))
}

/** Has edge1 send all to edge2, half of it with the word that somebody else had the bucket before. */
async function balance(outer: Family, encapsulation: 'ipip' | 'gue'): Promise<void> {
  const services = families.map((family) => ({
    id: `on${family}`,
    address: SERVICE[family],
    port: PORT,
    protocol: ['tcp', 'udp'],
    encapsulation,
  }))
  for (const weight of [1, 0]) {
    const backends = { edge2: owner[outer], gone: { address: gone[outer], weight } }
    await world.control('edge1').apply({ config: world.config({ buckets: 256, backends, services }) })
  }
}

/** Clients that send some to a service and get it back. */
async function talk(family: Family): Promise<void> {
  const netns = world.netns('clients')
  for (const bytes of DATAGRAMS) {
    const from = { netns, address: CLIENT[family], port: nextPort++ }
    assert.ok(await isEchoed(from, { address: SERVICE[family], port: PORT }, Buffer.alloc(bytes, 'seawall ')))
  }
  const host = family === 4 ? SERVICE4 : `[${SERVICE6}]`
  const body = 'x'.repeat(BODY_BYTES)
  const args = ['--silent', '--show-error', '--max-time', '60', '--data-binary', body, `http://${host}:${PORT}/`]
  const { code, stdout, stderr } = await ended(start('curl', args, { netns, stdio: ['ignore', 'pipe', 'pipe'] }))
  assert.deepEqual([code, stdout, stderr], [0, body, ''])
}

/** What goes from the router to edge1, comes to edge2, and comes out of its tunnel. */
class Passage {
  readonly #inner: Family
  readonly #outer: Family
  readonly #before: PacketSocket
  readonly #arriving: PacketSocket
  readonly #after: PacketSocket

  constructor(outer: Family, inner: Family) {
    this.#inner = inner
    this.#outer = outer
    this.#before = new PacketSocket(world.netns('router'), 'edge1')
    this.#arriving = new PacketSocket(world.netns('edge2'), 'eth0')
    this.#after = new PacketSocket(world.netns('edge2'), devices[outer][inner])
  }

  /** Returns when as many have come out as have gone in. In any order, as there are several queues. */
  async all() {
    const [sent, carried, taken]: [string[], Uint8Array[], string[]] = [[], [], []]
    const look = () => {
      // Against the stream: what has come out by now has gone in, too.
      taken.push(...this.#after.received().map(hex))
      const arrived = this.#arriving.received()
      carried.push(...arrived.filter((frame) => isTo(frame.subarray(ETHERNET_BYTES), owner[this.#outer])))
      const packets = this.#before.received().map((frame) => frame.subarray(ETHERNET_BYTES))
      sent.push(...packets.filter((packet) => isTo(packet, SERVICE[this.#inner])).map(hex))
      return taken.length === sent.length
    }
    await until('all that went in has come out', look)
    return { sent: sent.sort(), carried, taken: taken.sort() }
  }

  close(): void {
    for (const socket of [this.#before, this.#arriving, this.#after]) socket.close()
  }
}

function isTo(packet: Uint8Array, address: string): boolean {
  const header = readIp(packet)
  const wanted = header?.version === 4 ? address : hex(addressBytes(parseAddress(address)))
  return header?.dst === wanted
}

/** How many servers to be asked next there are in headers of GUE. */
function hopLists(frames: readonly Uint8Array[]): number[] {
  const lengths = frames.flatMap((frame) => {
    const gue = readInner(frame, ETHERNET_BYTES, GUE_PORT)?.gue
    return gue === undefined ? [] : [gue.header[7]!]
  })
  return [...new Set(lengths)].sort()
}
