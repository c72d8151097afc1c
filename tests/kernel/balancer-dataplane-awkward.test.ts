import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  buildPacket,
  type Content,
  concat,
  ethernet,
  extension,
  fragment,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  tcp,
  udp,
  vlan,
} from '../../src/net/build.ts'
import { Plane, type PlaneBackend, type PlaneService, PROTOCOLS, Verdict } from '../support/balancer-plane.ts'
import { readInner, readIp, readLink, wordAt } from '../support/balancer-reader.ts'
import { worldOf, written } from '../support/balancer-world.ts'

// What other balancers stumble over: errors, fragments, lengths that lie, packets that do not fit, connection ids.

const [V4, V6] = ['192.0.2.1', '2001:db8::1']
const client = { 4: '198.51.100.7', 6: '2001:db8:7::7' } as const
const router = { 4: '203.0.113.9', 6: '2001:db8:99::9' } as const
const backends: readonly PlaneBackend[] = ['10.9.0.1', '2001:db8:9::2', '10.9.0.3'].map((address) => ({ address }))
const SELF = 3
const services: readonly PlaneService[] = [
  { address: V4, port: 80, protocol: 'tcp' },
  { address: V4, port: 443, protocol: 'udp', quic: true },
  { address: V4, port: 53, protocol: 'udp', gue: true },
  { address: V6, port: 80, protocol: 'tcp' },
  { address: V6, port: 443, protocol: 'udp', quic: true },
  { address: '192.0.2.2', port: 53, protocol: 'udp', fragments: true },
  { address: '2001:db8::2', port: 53, protocol: 'udp', fragments: true },
]
const families = [4, 6] as const
type Family = (typeof families)[number]
const vip = { 4: V4, 6: V6 } as const
const whole = { 4: '192.0.2.2', 6: '2001:db8::2' } as const

const world = worldOf(backends)
let plane: Plane

before(async () => {
  plane = await Plane.create({ services, backends, self: SELF, config: { tooBigBurst: 10 } })
  plane.setServer(0x0102, 1)
  plane.setServer(0x0103, SELF)
})
after(() => plane?.close())

const network = (family: Family, src: string, dst: string, more: object = {}): Content =>
  family === 4 ? ipv4({ src, dst, ...more }) : ipv6({ src, dst, ...more })

const frameOf = (...contents: readonly Content[]): Uint8Array => buildPacket(ethernet(), ...contents)

/** Which backend a packet is sent to. */
function receiver(frame: Uint8Array, outcome = 'Forwarded'): string {
  const result = plane.run(frame)
  assert.deepEqual([result.verdict, result.outcome], [Verdict.tx, outcome])
  assert.deepEqual(world.faults(frame, result.verdict, result.data), [])
  return readInner(result.data, readLink(result.data)!.length, world.guePort)!.outer.dst
}

/** All rows to the first backend, but that of a client's flow, which the second one owns. */
function own(family: Family, protocol: 'tcp' | 'udp', dstport: number, srcport = 40_000): void {
  plane.fill({ current: 1, previous: 0 })
  const flow = { src: client[family], dst: vip[family], srcport, dstport, protocol: PROTOCOLS[protocol] }
  plane.setRow(flow, { current: 2, previous: 0 })
}

const SECOND = written('2001:db8:9::2')

/** An ICMP error of a router about what the service sent to the client, of which so many bytes are quoted. */
function errorFrame(family: Family, type: number, quoted: readonly Content[], bytes: number): Uint8Array {
  const quote = buildPacket(network(family, vip[family], client[family]), ...quoted).subarray(0, bytes)
  const message = family === 4 ? icmp({ type }) : icmpv6({ type })
  return frameOf(network(family, router[family], vip[family]), message, quote)
}

test('balancer sends ICMP errors where the flow goes, from four bytes of quoted ports', () => {
  for (const family of families) {
    own(family, 'tcp', 80)
    const header = family === 4 ? 20 : 40
    const reply = tcp({ srcport: 80, dstport: 40_000 })
    for (const type of family === 4 ? [3, 11, 12] : [1, 2, 3, 4]) {
      assert.equal(receiver(errorFrame(family, type, [reply], header + 4)), SECOND)
      assert.equal(plane.run(errorFrame(family, type, [reply], header + 3)).outcome, 'NotService')
    }
    assert.equal(plane.run(errorFrame(family, family === 4 ? 8 : 128, [reply], header + 8)).outcome, 'NotService')
    own(family, 'udp', 443)
    assert.equal(receiver(errorFrame(family, 3, [udp({ srcport: 443, dstport: 40_000 })], header + 8)), SECOND)
  }
})

test('balancer reads quoted packets behind IPv4 options and extension headers', () => {
  own(4, 'tcp', 80)
  const options = ipv4({ src: V4, dst: client[4], options: new Uint8Array(24).fill(1) })
  const reply = tcp({ srcport: 80, dstport: 40_000 })
  const quoted4 = buildPacket(options, reply).subarray(0, 48)
  assert.equal(receiver(frameOf(network(4, router[4], V4), icmp({ type: 3, code: 4 }), quoted4)), SECOND)
  own(6, 'tcp', 80)
  const extensions = [extension(0), extension(60), extension(43)]
  assert.equal(receiver(errorFrame(6, 2, [...extensions, reply], 80)), SECOND)
})

test('balancer leaves errors alone that are about what no service sent', () => {
  own(4, 'tcp', 80)
  const reply = tcp({ srcport: 80, dstport: 40_000 })
  const stranger = buildPacket(network(4, '203.0.113.5', client[4]), reply)
  const closed = buildPacket(network(4, V4, client[4]), tcp({ srcport: 81, dstport: 40_000 }))
  const later = buildPacket(network(4, V4, client[4], { fragmentOffset: 8, protocol: 6 }), new Uint8Array(20))
  for (const quoted of [stranger, closed, later]) {
    const frame = frameOf(network(4, router[4], V4), icmp({ type: 3 }), quoted)
    assert.equal(plane.run(frame).outcome, 'NotService')
  }
})

/** The fragments of a UDP datagram. */
function fragments(family: Family, dst: string): readonly Uint8Array[] {
  const datagram = buildPacket(udp({ srcport: 40_000, dstport: 53, checksum: 1 }), new Uint8Array(2000))
  const [first, last] = [datagram.subarray(0, 1000), datagram.subarray(1000)]
  if (family === 4)
    return [
      frameOf(network(4, client[4], dst, { id: 7, flags: 1, protocol: 17 }), first),
      frameOf(network(4, client[4], dst, { id: 7, fragmentOffset: 1000, protocol: 17 }), last),
    ]
  return [
    frameOf(network(6, client[6], dst), fragment({ more: true, nextHeader: 17, id: 7 }), first),
    frameOf(network(6, client[6], dst), extension(60), fragment({ offset: 1000, nextHeader: 17, id: 7 }), last),
  ]
}

test('balancer sends all fragments of a datagram to one server, for services marked so', () => {
  for (const family of families) {
    plane.fill({ current: 1, previous: 0 })
    const flow = { src: client[family], dst: whole[family], srcport: 0, dstport: 0, protocol: PROTOCOLS.udp }
    plane.setRow(flow, { current: 2, previous: 0 })
    assert.deepEqual(
      fragments(family, whole[family]).map((frame) => receiver(frame)),
      [SECOND, SECOND],
    )
    for (const frame of fragments(family, vip[family])) assert.equal(plane.run(frame).outcome, 'Fragment')
    for (const frame of fragments(family, router[family])) assert.equal(plane.run(frame).outcome, 'NotService')
  }
})

test('balancer takes an atomic fragment for what it is, a whole packet', () => {
  own(6, 'tcp', 80)
  const frame = frameOf(network(6, client[6], V6), fragment({}), tcp({ srcport: 40_000, dstport: 80 }))
  assert.equal(receiver(frame), SECOND)
})

test('balancer drops packets for services whose lengths lie, each kind by its name', () => {
  plane.fill({ current: 1, previous: 0 })
  const four = (length: number): Content => ipv4({ src: client[4], dst: V4, length })
  const port = { srcport: 1, dstport: 80 }
  const dns = { srcport: 1, dstport: 53 }
  const lies: readonly (readonly [string, Uint8Array])[] = [
    ['BadIpLength', frameOf(four(65_530), udp(dns), new Uint8Array(15))],
    ['BadIpLength', frameOf(four(41), tcp(port))],
    ['BadIpLength', frameOf(four(39), tcp(port))],
    ['BadIpLength', frameOf(four(20), tcp(port))],
    ['BadIpLength', frameOf(four(27), udp(dns))],
    ['BadIpLength', frameOf(ipv6({ src: client[6], dst: V6, length: 0 }), tcp(port))],
    ['BadIpLength', frameOf(ipv6({ src: client[6], dst: V6, length: 21 }), tcp(port))],
    ['BadTcpLength', frameOf(network(4, client[4], V4), tcp({ ...port, headerLength: 16 }))],
    ['BadTcpLength', frameOf(network(6, client[6], V6), tcp({ ...port, headerLength: 60 }))],
    ['BadUdpLength', frameOf(network(4, client[4], V4), udp({ ...dns, length: 7 }), 'data')],
    ['BadUdpLength', frameOf(network(4, client[4], V4), udp({ ...dns, length: 13 }), 'data')],
    ['BadUdpLength', frameOf(network(6, client[6], V6), udp({ srcport: 1, dstport: 443, length: 0 }), 'data')],
    ['BadHeaders', frameOf(network(6, client[6], V6), tcp(port)).subarray(0, 56)],
  ]
  for (const [outcome, frame] of lies)
    assert.deepEqual([plane.run(frame).outcome, plane.run(frame).verdict], [outcome, Verdict.drop])
})

test('balancer sends short packets on although the frame is padded', () => {
  plane.fill({ current: 1, previous: 0 })
  const frame = concat(frameOf(network(4, client[4], V4), tcp({ dstport: 80 })), new Uint8Array(6))
  assert.equal(receiver(frame), '10.9.0.1')
})

test('balancer says how long packets may be that do not fit, to whom must know', () => {
  for (const family of families)
    for (const tags of [[], [vlan({ id: 5 })], [vlan({ id: 5 }), vlan({ id: 6 })]]) {
      plane.fill({ current: 1, previous: 0 })
      const ip = network(family, client[family], vip[family], { flags: 2 })
      const frame = (bytes: number): Uint8Array =>
        buildPacket(
          ethernet({ src: '02:00:00:00:00:11' }),
          ...tags,
          ip,
          tcp({ dstport: 80 }),
          new Uint8Array(bytes - 20 - (family === 4 ? 20 : 40)),
        )
      assert.equal(receiver(frame(1480)), '10.9.0.1')
      const { verdict, data, outcome } = plane.run(frame(1481))
      assert.deepEqual([verdict, outcome], [Verdict.tx, 'TooBig'])
      assert.deepEqual(world.faults(frame(1481), verdict, data), [])
      const at = readLink(data)!.length + (family === 4 ? 20 : 40)
      assert.equal(wordAt(data, at + 6), 1480)
    }
})

test('balancer drops what does not fit where nobody is to be told', async () => {
  plane.fill({ current: 1, previous: 0 })
  const big = new Uint8Array(1460)
  const may = frameOf(network(4, client[4], V4), tcp({ dstport: 80 }), big)
  const loopback = frameOf(network(4, '127.0.0.1', V4, { flags: 2 }), tcp({ dstport: 80 }), big)
  for (const frame of [may, loopback])
    assert.deepEqual([plane.run(frame).outcome, plane.run(frame).verdict], ['TooBigDropped', Verdict.drop])
  const asked = frameOf(network(6, client[6], V6), tcp({ dstport: 80 }), big)
  const verdicts = Array.from({ length: 200 }, () => plane.runOnly(asked).result)
  assert.ok(verdicts.includes(Verdict.drop), 'answers are limited in number')
})

const quicId = (server: number, length = 8): Uint8Array =>
  concat(Uint8Array.of(length - 1, server >> 8, server & 255), new Uint8Array(length - 3).fill(0x77))

const quicLong = (id: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(0xc3, 0, 0, 0, 1, id.length), id, new Uint8Array(40))
const quicShort = (id: Uint8Array): Uint8Array => concat(Uint8Array.of(0x43), id, new Uint8Array(20))

test('balancer sends QUIC where the connection id says, from any address', () => {
  for (const family of families) {
    plane.fill({ current: 2, previous: 0 })
    for (const packet of [quicLong(quicId(0x0102)), quicShort(quicId(0x0102)), quicShort(quicId(0x0102, 20))]) {
      const frame = frameOf(network(family, client[family], vip[family]), udp({ srcport: 1, dstport: 443 }), packet)
      assert.equal(receiver(frame, 'QuicForwarded'), '10.9.0.1')
    }
    const own = frameOf(network(family, client[family], vip[family]), udp({ dstport: 443 }), quicShort(quicId(0x0103)))
    assert.deepEqual([plane.run(own).outcome, plane.run(own).verdict], ['QuicLocal', Verdict.pass])
  }
})

test('balancer goes by the bucket where a connection id names nobody', () => {
  plane.fill({ current: 2, previous: 0 })
  const id = quicId(0x0102)
  const others: readonly Uint8Array[] = [
    quicShort(quicId(0x0999)),
    quicShort(Uint8Array.of(id[0]! | 0x20, ...id.subarray(1))),
    quicShort(Uint8Array.of(5, ...id.subarray(1))),
    quicLong(id.subarray(0, 7)),
    concat(Uint8Array.of(0x43), id).subarray(0, 8),
    Uint8Array.of(0xc3),
    new Uint8Array(0),
  ]
  for (const packet of others) {
    const frame = frameOf(network(4, client[4], V4), udp({ srcport: 1, dstport: 443 }), packet)
    assert.equal(receiver(frame), SECOND)
  }
  const tcpPacket = frameOf(network(4, client[4], V4), tcp({ dstport: 80 }), quicShort(id))
  assert.equal(receiver(tcpPacket), SECOND, 'only where the service says that it is QUIC')
})

test('balancer counts an id out that only padding makes whole', () => {
  plane.fill({ current: 2, previous: 0 })
  const short = frameOf(
    network(4, client[4], V4),
    udp({ srcport: 1, dstport: 443 }),
    quicShort(quicId(0x0102)).subarray(0, 6),
  )
  const frame = concat(short, new Uint8Array(20))
  assert.equal(receiver(frame), SECOND)
  assert.equal(readIp(frame.subarray(14))!.length, 34)
})
