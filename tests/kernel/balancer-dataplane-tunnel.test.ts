import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { buildPacket, type Content, ethernet, ipv4, ipv6, tcp, udp, vlan } from '../../src/net/build.ts'
import { gueHeader } from '../support/balancer-corpus.ts'
import {
  GUE_PORT,
  Plane,
  type PlaneBackend,
  type PlaneService,
  SELF4,
  SELF6,
  Verdict,
} from '../support/balancer-plane.ts'
import { readInner, readIp, readLink } from '../support/balancer-reader.ts'
import { worldOf } from '../support/balancer-world.ts'

// The second hop: what comes encapsulated to this machine. Nothing listens here, so no flow is known.

const [V4, V6] = ['192.0.2.1', '2001:db8::1']
const vip = { 4: V4, 6: V6 } as const
const client = { 4: '198.51.100.7', 6: '2001:db8:7::7' } as const
const peer = { 4: '10.9.0.1', 6: '2001:db8:9::1' } as const
const self = { 4: SELF4, 6: SELF6 } as const
const backends: readonly PlaneBackend[] = ['10.9.0.1', '2001:db8:9::2', SELF4].map((address) => ({ address }))
const SELF = 3
const services: readonly PlaneService[] = [
  { address: V4, port: 80, protocol: 'tcp' },
  { address: V4, port: 81, protocol: 'tcp', gue: true },
  { address: V4, port: 443, protocol: 'udp', quic: true },
  { address: V6, port: 80, protocol: 'tcp' },
]
const families = [4, 6] as const
type Family = (typeof families)[number]
const [SYN, ACK] = [0x02, 0x10]
const CE = 3

const world = worldOf(backends)
let plane: Plane

before(async () => {
  plane = await Plane.create({ services, backends, self: SELF })
  plane.setServer(1, 1)
  plane.setServer(3, SELF)
})
after(() => plane?.close())

const innerOf = (family: Family, { flags = ACK, port = 80, tos = 0 } = {}): Uint8Array => {
  const [src, dst] = [client[family], vip[family]]
  const ip = family === 4 ? ipv4({ src, dst, tos }) : ipv6({ src, dst, trafficClass: tos })
  return buildPacket(ip, tcp({ srcport: 40_000, dstport: port, flags }), 'data')
}

interface Way {
  readonly gue?: boolean
  readonly hops?: number
  readonly last?: boolean
  readonly tos?: number
  readonly to?: string
  readonly tags?: readonly Content[]
  readonly more?: object
}

/** A packet from another balancer. */
function tunnel(
  outer: Family,
  inner: Uint8Array,
  { gue, hops = 0, last, tos = 0, to, tags = [], more }: Way = {},
): Uint8Array {
  const protocol = inner[0]! >> 4 === 4 ? 4 : 41
  const carried = gue ? 17 : protocol
  const ends = { src: peer[outer], dst: to ?? self[outer] }
  const ip =
    outer === 4
      ? ipv4({ ...ends, tos, id: last ? 1 : 0, flags: 2, protocol: carried, ...more })
      : ipv6({ ...ends, trafficClass: tos, flow: last ? 0x80000 : 5, nextHeader: carried, ...more })
  const headers = gue ? [udp({ srcport: 50_000, dstport: GUE_PORT, checksum: 0 }), gueHeader(protocol, hops)] : []
  const link = tags.length > 0 ? [ethernet(), ...tags] : [ethernet({ type: outer === 4 ? 0x0800 : 0x86dd })]
  return buildPacket(...link, ip, ...headers, inner)
}

function run(frame: Uint8Array) {
  const result = plane.run(frame)
  assert.deepEqual(world.faults(frame, result.verdict, result.data), [])
  return result
}

test('balancer takes out what another balancer put in, of either family in either, in IP and in GUE', () => {
  plane.fill({ current: SELF, previous: 0 })
  for (const outer of families)
    for (const family of families)
      for (const gue of [false, true])
        for (const tags of [[], [vlan({ id: 5 })], [vlan({ id: 5, tag: 0x88a8 }), vlan({ id: 6 })]]) {
          const inner = innerOf(family)
          const { verdict, data, outcome } = run(tunnel(outer, inner, { gue, hops: gue ? 2 : 0, tags }))
          assert.deepEqual([verdict, outcome], [Verdict.pass, 'Decapsulated'])
          assert.deepEqual(data.subarray(readLink(data)!.length), inner)
        }
})

test('balancer takes nothing out that is for no service', () => {
  plane.fill({ current: SELF, previous: 0 })
  const elsewhere = buildPacket(ipv4({ src: client[4], dst: '203.0.113.5' }), tcp({ dstport: 80 }))
  const echo = buildPacket(ipv4({ src: client[4], dst: V4, protocol: 1 }), new Uint8Array(8).fill(8))
  for (const inner of [elsewhere, echo, innerOf(4, { port: 82 }), tunnel(4, innerOf(4)).subarray(14)])
    for (const gue of [false, true]) assert.equal(run(tunnel(4, inner, { gue })).outcome, 'Stranger')
})

test('balancer leaves tunnels to others, and other UDP, alone', () => {
  const frames = [
    tunnel(4, innerOf(4), { to: '10.9.0.200' }),
    tunnel(6, innerOf(6), { to: '2001:db8:9::200', gue: true }),
    buildPacket(ethernet(), ipv4({ src: peer[4], dst: SELF4 }), udp({ dstport: 53 }), 'data'),
  ]
  for (const frame of frames) assert.deepEqual([run(frame).verdict, run(frame).outcome], [Verdict.pass, 'NotService'])
})

test('balancer drops tunnels whose lengths or kinds are wrong', () => {
  plane.fill({ current: SELF, previous: 0 })
  const gue = (change: (frame: Uint8Array) => void): Uint8Array => {
    const frame = tunnel(4, innerOf(4), { gue: true })
    change(frame)
    return frame
  }
  const bad = [
    tunnel(4, innerOf(4), { more: { length: 2000 } }),
    tunnel(4, innerOf(4), { more: { flags: 1 } }),
    tunnel(4, innerOf(4), { more: { fragmentOffset: 32, flags: 0 } }),
    tunnel(6, innerOf(4), { more: { length: 2000 } }),
    // Variant 1, a control message, a header longer than the packet, ESP inside, a UDP length beyond the packet.
    gue((frame) => void (frame[42] = 0x41)),
    gue((frame) => void (frame[42] = 0x21)),
    gue((frame) => void (frame[42] = 0x1f)),
    gue((frame) => void (frame[43] = 50)),
    gue((frame) => void (frame[38] = 9)),
  ]
  for (const [i, frame] of bad.entries()) assert.deepEqual([i, run(frame).outcome], [i, 'BadTunnel'])
  const cut = tunnel(4, innerOf(4), { more: { length: 20 + 43 } })
  assert.equal(run(cut).outcome, 'BadIpLength')
})

test('balancer sends an unknown flow on to the owner before, as the last hop, and keeps a new one', () => {
  for (const family of families)
    for (const outer of families)
      for (const previous of [1, 2]) {
        plane.fill({ current: SELF, previous })
        const { verdict, data, outcome } = run(tunnel(outer, innerOf(family), { tos: 0x20 }))
        assert.deepEqual([verdict, outcome], [Verdict.tx, 'Previous'])
        const { outer: sent } = readInner(data, 14, GUE_PORT)!
        assert.equal(sent.version, previous === 1 ? 4 : 6)
        assert.equal(run(tunnel(outer, innerOf(family, { flags: SYN }))).outcome, 'New')
        const direct = buildPacket(ethernet({ type: family === 4 ? 0x0800 : 0x86dd }), innerOf(family))
        assert.equal(run(direct).outcome, 'Previous', 'an owner looks at what comes from clients, too')
      }
})

test('balancer delivers the last hop, whatever its own table says', () => {
  for (const bucket of [
    { current: SELF, previous: 1 },
    { current: 1, previous: 0 },
    { current: 0, previous: 0 },
  ]) {
    plane.fill(bucket)
    for (const outer of families)
      for (const gue of [false, true])
        assert.equal(run(tunnel(outer, innerOf(4), { gue, last: true })).outcome, 'LastHop')
  }
  plane.fill({ current: 1, previous: 0 })
  const direct = buildPacket(ethernet(), ipv4({ src: client[4], dst: V4, id: 1 }), tcp({ dstport: 80 }))
  assert.equal(run(direct).outcome, 'Forwarded', 'a client cannot mark')
})

test('balancer asks the owner of its own table where another balancer has an older or newer one', () => {
  for (const bucket of [
    { current: 1, previous: 0 },
    { current: 1, previous: SELF },
  ]) {
    plane.fill(bucket)
    const { data, outcome } = run(tunnel(4, innerOf(4)))
    assert.deepEqual([outcome, readInner(data, 14, GUE_PORT)!.outer.dst], ['Previous', '10.9.0.1'])
    assert.equal(run(tunnel(4, innerOf(4), { gue: true })).outcome, 'Previous')
  }
})

test('balancer merges ECN as RFC 6040 has it', () => {
  plane.fill({ current: SELF, previous: 0 })
  for (const family of families)
    for (const outer of families)
      for (let ecn = 0; ecn < 16; ecn++) {
        const [inside, outside] = [ecn & 3, ecn >> 2]
        const { outcome, data } = run(tunnel(outer, innerOf(family, { tos: 0x48 | inside }), { tos: outside }))
        if (inside === 0 && outside === CE) {
          assert.equal(outcome, 'Congestion')
          continue
        }
        const merged = inside === 0 || inside === CE ? inside : outside === CE ? CE : outside === 1 ? 1 : inside
        const header = readIp(data.subarray(14))!
        assert.deepEqual([header.tos, header.checksumIsRight], [0x48 | merged, true])
      }
})

test('balancer delivers QUIC whose id names this machine, and sends on what names another', () => {
  plane.fill({ current: 2, previous: 0 })
  const inner = (server: number): Uint8Array =>
    buildPacket(
      ipv4({ src: client[4], dst: V4 }),
      udp({ srcport: 1, dstport: 443 }),
      Uint8Array.of(0x43, 7, 0, server, 1, 2, 3, 4, 5, 6, 7, 8),
    )
  assert.equal(run(tunnel(4, inner(3))).outcome, 'QuicLocal')
  const { data, outcome } = run(tunnel(4, inner(1)))
  const { outer } = readInner(data, 14, GUE_PORT)!
  assert.deepEqual([outcome, outer.dst, outer.id], ['QuicForwarded', '10.9.0.1', 1])
  assert.equal(run(tunnel(4, inner(1), { last: true })).outcome, 'LastHop')
})

test('balancer of separate backends, which is none itself, encapsulates all', async () => {
  const classic = await Plane.create({ services, backends })
  try {
    classic.fill({ current: SELF, previous: 1 })
    const frame = buildPacket(ethernet({ type: 0x0800 }), innerOf(4))
    assert.deepEqual([classic.run(frame).outcome, classic.run(frame).verdict], ['Forwarded', Verdict.tx])
    classic.fill({ current: 0, previous: 0 })
    assert.equal(classic.run(frame).outcome, 'NoBackend')
  } finally {
    classic.close()
  }
})
