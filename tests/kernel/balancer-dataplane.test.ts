import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Program } from '../../src/bpf/index.ts'
import { buildPacket, type Content, ethernet, extension, ipv4, ipv6, tcp, udp, vlan } from '../../src/net/build.ts'
import { Random } from '../arbitraries/random.ts'
import { hashFlow } from '../support/balancer-hash.ts'
import { KEY, Plane, type PlaneBackend, type PlaneService, PROTOCOLS, Verdict } from '../support/balancer-plane.ts'
import { readInner, readLink } from '../support/balancer-reader.ts'
import { worldOf, written } from '../support/balancer-world.ts'

// The first hop: which packets are a service's, who gets them, and what is written before them.

const [V4, V6] = ['192.0.2.1', '2001:db8::1']
const backends: readonly PlaneBackend[] = [
  { address: '10.9.0.1' },
  { address: '2001:db8:9::2' },
  { address: '10.9.0.3' },
  { address: '10.9.0.4', resolved: false },
]
const services: readonly PlaneService[] = [
  { address: V4, port: 80, protocol: 'tcp', index: 1 },
  { address: V4, port: 81, protocol: 'tcp', index: 2, gue: true },
  { address: V4, protocol: 'udp', index: 3 },
  { address: V6, port: 80, protocol: 'tcp', index: 4 },
  { address: V6, port: 81, protocol: 'tcp', index: 5, gue: true },
  { address: '192.0.2.0', length: 24, port: 80, protocol: 'tcp', index: 6, pool: 1 },
  { address: '192.0.2.0', length: 24, protocol: 'tcp', index: 7, pool: 2 },
]
const SELF = 3
const world = worldOf(backends)

let plane: Plane

before(async () => {
  plane = await Plane.create({ services, backends, self: SELF })
})
after(() => plane?.close())

const client = { 4: '198.51.100.7', 6: '2001:db8:7::7' } as const
const network = (family: 4 | 6, dst: string, more: object = {}): Content =>
  family === 4 ? ipv4({ src: client[4], dst, ...more }) : ipv6({ src: client[6], dst, ...more })

const toPort = (family: 4 | 6, dstport: number, more: object = {}): Uint8Array =>
  buildPacket(ethernet(), network(family, family === 4 ? V4 : V6, more), tcp({ srcport: 40_000, dstport }), 'data')

/** A stage that only returns a verdict: loaded as those of object files are, for the kernel does not mix them. */
const loadStage = (verdict: number): Promise<Program> => {
  const instructions = Uint8Array.of(0xb7, 0, 0, 0, verdict, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)
  return Program.load({ type: 'xdp', name: 'stage', instructions, license: 'GPL', expectedAttachType: 'xdp' })
}

/** Runs a packet that must be sent, checks every byte of what is sent, and gives what it is in. */
function sent(frame: Uint8Array) {
  const { verdict, data, outcome } = plane.run(frame)
  assert.deepEqual([verdict, outcome], [Verdict.tx, 'Forwarded'])
  assert.deepEqual(world.faults(frame, verdict, data), [])
  return readInner(data, readLink(data)!.length, world.guePort)!
}

test('balancer encapsulates either family in either family, in IP and in GUE', () => {
  for (const family of [4, 6] as const)
    for (const owner of [1, 2])
      for (const [port, isGue] of [
        [80, false],
        [81, true],
      ] as const) {
        plane.fill({ current: owner, previous: 0 })
        const { outer, gue } = sent(toPort(family, port, { [family === 4 ? 'tos' : 'trafficClass']: 0xb9 }))
        assert.equal(outer.dst, written(backends[owner - 1]!.address))
        assert.equal(gue !== undefined, isGue)
        assert.equal(outer.tos, 0xb9)
      }
})

test('balancer tells the receiver in GUE whom it may ask next, while the bucket is in transition', () => {
  const hops = (previous: number): Uint8Array => {
    plane.fill({ current: 1, previous })
    return sent(toPort(4, 81)).gue!.header
  }
  assert.deepEqual([...hops(0)], [1, 4, 0, 0, 0, 0, 0, 0])
  assert.deepEqual([...hops(3)], [2, 4, 0, 0, 0, 0, 0, 1, 10, 9, 0, 3])
  assert.deepEqual(
    [...hops(2)],
    [2, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
    'its own table says whom, where it has no IPv4 address',
  )
})

test('balancer chooses the row by SipHash-1-3 of the flow', () => {
  plane.fillWith(0, (row) => ({ current: row % 2 === 0 ? 1 : 2, previous: 0 }))
  const random = new Random(7)
  for (let i = 0; i < 2000; i++) {
    const family = random.pick([4, 6] as const)
    const src =
      family === 4
        ? `198.51.${random.int(0, 255)}.${random.int(1, 254)}`
        : `2001:db8:7::${random.int(1, 0xffff).toString(16)}`
    const flow = { src, dst: family === 4 ? V4 : V6, srcport: random.int(1, 65_535), dstport: 80, protocol: 6 }
    const ip = family === 4 ? ipv4(flow) : ipv6(flow)
    const { outer } = sent(buildPacket(ethernet(), ip, tcp(flow)))
    assert.equal(outer.dst, written(backends[Number(hashFlow(flow, KEY) & 1n)]!.address))
  }
})

test('balancer takes the most specific service: the longest prefix, then the port', () => {
  for (const [pool, current] of [
    [0, 1],
    [1, 2],
    [2, 4],
  ] as const)
    plane.fill({ current, previous: 0 }, pool)
  plane.setBackend(4, { ...backends[3]!, resolved: true })
  const owner = (dst: string, dstport: number): string =>
    sent(buildPacket(ethernet(), network(4, dst), tcp({ srcport: 1, dstport }))).outer.dst
  assert.deepEqual(
    [owner(V4, 80), owner('192.0.2.9', 80), owner('192.0.2.9', 79), owner(V4, 79)],
    ['10.9.0.1', written('2001:db8:9::2'), '10.9.0.4', '10.9.0.4'],
  )
  plane.setBackend(4, backends[3]!)
})

test('balancer leaves what is for no service as it is', () => {
  const others: readonly Uint8Array[] = [
    toPort(6, 79),
    buildPacket(ethernet(), network(4, '203.0.113.1'), tcp({ dstport: 80 })),
    buildPacket(ethernet(), network(6, V6), udp({ dstport: 80 })),
    buildPacket(ethernet({ type: 0x0806 }), new Uint8Array(28)),
    new Uint8Array(14),
  ]
  for (const frame of others) {
    const { verdict, data, outcome } = plane.run(frame)
    assert.deepEqual([verdict, outcome], [Verdict.pass, 'NotService'])
    assert.deepEqual(data, frame)
  }
})

test("balancer keeps what is its own, and drops what is nobody's", () => {
  plane.fill({ current: SELF, previous: 0 })
  const { verdict, data, outcome } = plane.run(toPort(4, 80))
  assert.deepEqual([verdict, outcome], [Verdict.pass, 'Local'])
  assert.deepEqual(data, toPort(4, 80))
  for (const current of [0, 900]) {
    plane.fill({ current, previous: 0 })
    assert.equal(plane.run(toPort(4, 80)).outcome, 'NoBackend')
  }
})

test('balancer goes on to the next stage with what stays here, and with what is for no service', async () => {
  plane.fill({ current: SELF, previous: 0 })
  using drop = await loadStage(Verdict.drop)
  const stages = plane.loaded.maps.stages.map
  const slot = new Uint8Array(Uint32Array.of(2).buffer)
  stages.setRaw(slot, new Uint8Array(Uint32Array.of(drop.fd).buffer))
  assert.deepEqual([plane.run(toPort(4, 80)).verdict, plane.run(toPort(6, 79)).verdict], [Verdict.drop, Verdict.drop])
  plane.fill({ current: 1, previous: 0 })
  assert.equal(plane.run(toPort(4, 80)).verdict, Verdict.tx)
  stages.deleteRaw(slot)
})

test('balancer reads behind VLAN tags, IPv4 options and six extension headers', () => {
  plane.fill({ current: 1, previous: 0 })
  const port = tcp({ srcport: 1, dstport: 80 })
  const six = [0, 60, 43, 51, 60, 60].map((kind) => extension(kind, { body: new Uint8Array(kind === 51 ? 14 : 6) }))
  const heads: readonly (readonly Content[])[] = [
    [vlan({ id: 5 }), network(4, V4)],
    [vlan({ id: 6, tag: 0x88a8 }), vlan({ id: 7, priority: 3 }), network(6, V6)],
    [network(4, V4, { options: new Uint8Array(40).fill(1) })],
    ...six.map((_, count) => [network(6, V6), ...six.slice(0, count + 1)]),
  ]
  for (const head of heads) sent(buildPacket(ethernet(), ...head, port, 'data'))
  const seven = buildPacket(ethernet(), network(6, V6), ...six, extension(60), port)
  assert.deepEqual([plane.run(seven).outcome, plane.run(seven).verdict], ['BadHeaders', Verdict.drop])
})

test('balancer sends by another interface what goes there, without VLAN tags', () => {
  const { ifindex } = plane
  plane.setBackend(1, { ...backends[0]!, ifindex: ifindex + 1 })
  plane.fill({ current: 1, previous: 0 })
  const frame = buildPacket(ethernet(), vlan({ id: 5 }), network(4, V4), tcp({ dstport: 80 }))
  const { verdict, data } = plane.run(frame)
  assert.equal(verdict, Verdict.redirect)
  assert.deepEqual([readLink(data)!.tags, readInner(data, 14, 0)!.outer.dst], ['', '10.9.0.1'])
  plane.setBackend(1, backends[0]!)
})

test('balancer drops what is for a backend to which it was given no way', () => {
  plane.fill({ current: 4, previous: 0 })
  for (const family of [4, 6] as const) {
    const { verdict, outcome } = plane.run(toPort(family, 80))
    assert.deepEqual([verdict, outcome], [Verdict.drop, 'NoRoute'])
  }
  plane.setBackend(4, { ...backends[3]!, resolved: true })
  assert.equal(sent(toPort(4, 80)).outer.dst, '10.9.0.4')
  plane.setBackend(4, backends[3]!)
})

test('balancer counts packets and bytes of services and backends', () => {
  plane.fill({ current: 1, previous: 0 })
  const read = () => {
    const total = (map: 'serviceCounts' | 'backendCounts', index: number) =>
      plane.loaded.maps[map].getPerCpu(index)!.map(({ packets, bytes }) => [Number(packets), Number(bytes)])
    const add = (counts: number[][]): number[] => counts.reduce((a, b) => [a[0]! + b[0]!, a[1]! + b[1]!], [0, 0])
    return [add(total('serviceCounts', 4)), add(total('backendCounts', 1))]
  }
  const before = read()
  for (let i = 0; i < 3; i++) sent(toPort(6, 80))
  const gained = read().map((counts, i) => counts.map((count, j) => count - before[i]![j]!))
  assert.deepEqual(gained, [
    [3, 3 * 64],
    [3, 3 * 64],
  ])
})

test('balancer gives UDP and TCP of one port rows of their own', () => {
  const flow = { src: client[4], dst: V4, srcport: 40_000, dstport: 80 }
  plane.fill({ current: 1, previous: 0 })
  plane.setRow({ ...flow, protocol: PROTOCOLS.udp }, { current: 2, previous: 0 })
  assert.equal(sent(toPort(4, 80)).outer.version, 4)
  assert.equal(sent(buildPacket(ethernet(), ipv4(flow), udp(flow))).outer.version, 6)
})
