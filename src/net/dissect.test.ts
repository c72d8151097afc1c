import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  buildPacket,
  type Content,
  concat,
  dns,
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
} from './build.ts'
import { type Dissection, dissect, type MalformedReason } from './dissect.ts'

const read = (...contents: Content[]): Dissection => dissect(buildPacket(ethernet(), ...contents))
const reason = (...contents: Content[]): MalformedReason | null => read(...contents).malformed

/** The reasons of a packet cut at each length, without repeats. */
function reasonsOfCuts(...contents: Content[]): (string | null)[] {
  const frame = buildPacket(ethernet(), ...contents)
  const reasons = Array.from(frame, (_, length) => dissect(frame.subarray(0, length)).malformed)
  return [...reasons, dissect(frame).malformed].filter((one, index, all) => one !== all[index - 1])
}

test('dissect() finds every layer of a plain packet', () => {
  const packet = read(ipv4(), udp({ dstport: 53 }), 'hello')
  const { malformed, etherType, ipVersion, l3, l4, protocol, upper, payload, payloadEnd, end } = packet
  assert.deepEqual(
    { malformed, etherType, ipVersion, l3, l4, protocol, upper, payload, payloadEnd, end },
    {
      malformed: null,
      etherType: 0x0800,
      ipVersion: 4,
      l3: 14,
      l4: 34,
      protocol: 17,
      upper: 'udp',
      payload: 42,
      payloadEnd: 47,
      end: 47,
    },
  )
})

test('dissect() names the layer in which a cut packet ends', () => {
  assert.deepEqual(reasonsOfCuts(vlan({ tag: 0x88a8 }), vlan(), ipv4(), udp()), [
    'eth_truncated',
    'vlan_truncated',
    'ip_truncated',
    null,
  ])
  assert.deepEqual(reasonsOfCuts(ipv6(), tcp()), ['eth_truncated', 'ip_truncated', null])
})

test('dissect() reads at most two VLAN tags', () => {
  const packet = read(vlan({ id: 5, priority: 3, tag: 0x88a8 }), vlan({ id: 7 }), ipv4(), udp())
  assert.deepEqual(packet.vlans, [(3 << 13) | 5, 7])
  assert.equal(packet.l3, 22)
  assert.equal(reason(vlan(), vlan(), vlan(), ipv4(), udp()), 'vlan_depth')
  assert.equal(reason(vlan(), vlan({ type: 0x88a8 })), 'vlan_depth')
})

test('dissect() ends at an EtherType that is not IP', () => {
  const packet = dissect(buildPacket(ethernet({ type: 0x0806 }), new Uint8Array(28)))
  assert.deepEqual([packet.malformed, packet.etherType, packet.ipVersion], [null, 0x0806, 0])
})

test('dissect() checks the IPv4 header', () => {
  assert.equal(reason(ipv4({ version: 5 }), udp()), 'ip_header')
  assert.equal(reason(ipv4({ headerLength: 16 }), udp()), 'ip_header')
  assert.equal(reason(ipv4({ headerLength: 60 }), udp()), 'ip_truncated')
  assert.equal(reason(ipv4({ length: 19 }), udp()), 'ip_length')
  assert.equal(reason(ipv4({ length: 29 }), udp()), 'ip_truncated')
  assert.equal(reason(ipv4({ checksum: 0xbad }), udp()), null)
})

test('dissect() takes what lies behind the total length for padding', () => {
  const frame = concat(buildPacket(ethernet(), ipv4(), tcp(), 'abc'), new Uint8Array(20))
  assert.equal(dissect(frame).payloadEnd, 14 + 20 + 20 + 3)
  const short = read(ipv4({ length: 24 }), udp(), 'abc')
  assert.equal(short.malformed, 'udp_truncated')
})

test('dissect() walks IPv6 extension headers to the upper protocol', () => {
  const packet = read(ipv6(), extension(0), extension(60, { body: new Uint8Array(14) }), extension(43), tcp())
  assert.deepEqual(packet.extensions, [0, 60, 43])
  assert.equal(packet.l4, 14 + 40 + 8 + 16 + 8)
  assert.equal(packet.upper, 'tcp')
  const authenticated = read(ipv6(), extension(51, { body: new Uint8Array(10) }), udp())
  assert.deepEqual([authenticated.l4, authenticated.upper], [14 + 40 + 12, 'udp'])
})

test('dissect() refuses a ninth extension header, even one that is cut', () => {
  const eight = Array.from({ length: 8 }, () => extension(60))
  assert.equal(reason(ipv6(), ...eight, udp()), null)
  assert.equal(reason(ipv6(), ...eight, extension(60), udp()), 'ipv6_ext_depth')
  assert.equal(reason(ipv6(), ...eight.slice(1), extension(60, { nextHeader: 43 })), 'ipv6_ext_depth')
})

test('dissect() names extension headers that do not fit', () => {
  assert.equal(reason(ipv6({ nextHeader: 0 })), 'ipv6_ext_truncated')
  assert.equal(reason(ipv6(), extension(0, { length: 1 })), 'ipv6_ext_truncated')
  assert.equal(reason(ipv6({ nextHeader: 60 }), new Uint8Array(7)), 'ipv6_ext_truncated')
})

test('dissect() reads no upper layer of a later fragment, whatever its bytes look like', () => {
  const later = read(ipv4({ fragmentOffset: 1480 }), udp({ dstport: 4242 }), 'x')
  assert.deepEqual([later.upper, later.fragment, later.fragmentOffset, later.protocol], [null, true, 1480, 17])
  const later6 = read(ipv6(), extension(0), fragment({ offset: 1448 }), udp({ dstport: 4242 }))
  assert.deepEqual([later6.upper, later6.fragment, later6.fragmentOffset, later6.protocol], [null, true, 1448, 17])
  const behind = read(ipv6(), fragment({ offset: 8, nextHeader: 60 }), new Uint8Array(3))
  assert.deepEqual([behind.malformed, behind.protocol, behind.extensions], [null, 60, [44]])
})

test('dissect() reads the upper layer of a first fragment', () => {
  const first = read(ipv4({ flags: 1, length: 20 + 16 }), udp({ length: 1000 }), '12345678')
  assert.deepEqual([first.malformed, first.upper, first.fragment], [null, 'udp', true])
  assert.equal(first.payloadEnd - first.payload, 8)
  assert.equal(reason(ipv4(), udp({ length: 1000 }), '12345678'), 'udp_length')
  assert.equal(reason(ipv4({ flags: 1, length: 28 }), tcp()), 'tcp_truncated')
})

test('dissect() counts the last of several fragment headers', () => {
  const packet = read(ipv6(), fragment(), extension(60), fragment({ offset: 16 }), udp())
  assert.deepEqual(
    [packet.malformed, packet.fragmentOffset, packet.extensions, packet.upper],
    [null, 16, [44, 60, 44], null],
  )
})

test('dissect() checks TCP, UDP and ICMP headers', () => {
  assert.equal(reason(ipv4({ protocol: 6 }), new Uint8Array(19)), 'tcp_truncated')
  assert.equal(reason(ipv4(), tcp({ headerLength: 16 })), 'tcp_header')
  assert.equal(reason(ipv4(), tcp({ headerLength: 24 })), 'tcp_truncated')
  assert.equal(reason(ipv4({ protocol: 17 }), new Uint8Array(7)), 'udp_truncated')
  assert.equal(reason(ipv4(), udp({ length: 7 })), 'udp_length')
  assert.equal(reason(ipv4(), udp({ length: 9 })), 'udp_length')
  assert.equal(reason(ipv4({ protocol: 1 }), new Uint8Array(7)), 'icmp_truncated')
  assert.equal(reason(ipv6({ nextHeader: 58 }), new Uint8Array(7)), 'icmp_truncated')
})

test('dissect() reads ICMP only in IPv4 and ICMPv6 only in IPv6', () => {
  assert.equal(read(ipv4(), icmp()).upper, 'icmp')
  assert.equal(read(ipv6(), icmpv6()).upper, 'icmpv6')
  assert.equal(read(ipv6(), icmp()).upper, null)
  assert.equal(read(ipv4(), icmpv6()).upper, null)
  assert.equal(reason(ipv6({ nextHeader: 1 })), null)
})

test('dissect() ends a UDP payload at the smaller of its length and the packet', () => {
  const packet = read(ipv4(), udp({ length: 10 }), 'abcdef')
  assert.equal(packet.payloadEnd - packet.payload, 2)
})

test('Dissection.dns is for port 53 and twelve bytes of payload', () => {
  assert.ok(read(ipv4(), udp({ srcport: 53 }), dns()).dns)
  assert.ok(read(ipv4(), udp({ dstport: 53 }), dns()).dns)
  assert.ok(!read(ipv4(), udp({ dstport: 54 }), dns()).dns)
  assert.ok(!read(ipv4(), udp({ dstport: 53 }), new Uint8Array(11)).dns)
  assert.ok(!read(ipv4(), tcp({ dstport: 53 }), dns()).dns)
})

test('dissect() never throws and never reads behind the packet', () => {
  const frame = fc.tuple(fc.constantFrom(0x0800, 0x86dd, 0x8100), fc.uint8Array({ maxLength: 120 }))
  fc.assert(
    fc.property(frame, ([type, bytes]) => {
      if (bytes.length > 0) bytes[0] = type === 0x86dd ? 0x60 : 0x45
      const packet = dissect(buildPacket(ethernet({ type }), bytes))
      assert.ok(packet.end <= packet.bytes.length)
      assert.ok(packet.malformed || packet.payloadEnd <= Math.max(packet.end, -1))
      assert.ok(packet.tcpOptions !== undefined && packet.question !== undefined)
    }),
    { numRuns: 2000 },
  )
})
