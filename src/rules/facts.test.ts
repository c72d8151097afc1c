import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from '../net/address.ts'
import {
  buildPacket,
  type Content,
  dns,
  ethernet,
  extension,
  fragment,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  raw,
  tcp,
  udp,
  vlan,
} from '../net/build.ts'
import { dissect } from '../net/dissect.ts'
import { encodeName } from '../net/dns-name.ts'
import { type AnyFact, readFact } from './facts.ts'
import { type FieldName, fields } from './fields.ts'

type Facts = Partial<Record<FieldName, AnyFact>>

const names = Object.keys(fields) as FieldName[]
const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))

/** All facts that the frame has: flags that are false and fields that are absent left out. */
function factsOf(...contents: Content[]): Facts {
  const packet = dissect(buildPacket(ethernet({ src: '02:00:00:00:00:0a', dst: 'ff:ff:ff:ff:ff:ff' }), ...contents))
  assert.equal(packet.malformed, null)
  const facts = names.map((name) => [name, readFact(packet, name)] as const)
  return Object.fromEntries(facts.filter(([, fact]) => fact !== undefined && fact !== false))
}

const link = { 'eth.src': 0x02000000000a, 'eth.dst': 2 ** 48 - 1 }

const ipv4Facts: Facts = {
  ...link,
  'eth.type': 0x0800,
  ip: true,
  ipv4: true,
  'ip.src': parseAddress('10.0.0.1'),
  'ip.dst': parseAddress('10.0.0.2'),
  'ip.ttl': 7,
  'ip.dscp': 46,
  'ip.ecn': 1,
  'ip.frag_offset': 0,
  'ip.hdr_len': 20,
  'ip.id': 0xabcd,
  'ip.flags.df': true,
  'ip.checksum': 0x1234,
}
const plain4 = { src: '10.0.0.1', dst: '10.0.0.2', ttl: 7, tos: (46 << 2) | 1, id: 0xabcd, flags: 2, checksum: 0x1234 }

test('readFact() reads Ethernet, both VLAN tags and ARP', () => {
  const tags = [vlan({ id: 100, priority: 5, tag: 0x88a8 }), vlan({ id: 4095, priority: 1, type: 0x0806 })]
  assert.deepEqual(factsOf(...tags, new Uint8Array(28)), {
    ...link,
    'frame.len': 14 + 8 + 28,
    'eth.type': 0x0806,
    vlan: true,
    'vlan.id': 100,
    'vlan.priority': 5,
    'vlan.inner.id': 4095,
    'vlan.inner.priority': 1,
    arp: true,
  })
})

test('readFact() reads IPv4 and UDP', () => {
  assert.deepEqual(factsOf(ipv4(plain4), udp({ srcport: 1, dstport: 65535, checksum: 0x5678 }), 'abc'), {
    ...ipv4Facts,
    'frame.len': 45,
    'ip.proto': 17,
    'ip.len': 31,
    udp: true,
    'udp.srcport': 1,
    'udp.dstport': 65535,
    'udp.length': 11,
    'udp.checksum': 0x5678,
    'udp.payload': bytes('abc'),
  })
})

test('readFact() reads IPv4 options and fragments', () => {
  const { 'ip.flags.df': _, ...withoutDf } = ipv4Facts
  const header = ipv4({ ...plain4, flags: 5, options: Uint8Array.of(1, 1, 1, 1), fragmentOffset: 1480, protocol: 17 })
  assert.deepEqual(factsOf(header, raw('12345678')), {
    ...withoutDf,
    'frame.len': 46,
    'ip.proto': 17,
    'ip.len': 32,
    'ip.hdr_len': 24,
    'ip.options': true,
    'ip.frag': true,
    'ip.frag_offset': 1480,
    'ip.flags.mf': true,
    'ip.flags.rb': true,
  })
})

test('readFact() reads IPv6 and its extension headers', () => {
  const header = ipv6({ src: '2001:db8::1', dst: 'ff02::1', trafficClass: 0xb9, flow: 0x12345, hopLimit: 255 })
  const facts = factsOf(
    header,
    extension(0),
    extension(43),
    extension(60),
    fragment({ more: true }),
    icmpv6({ type: 135 }),
  )
  assert.deepEqual(facts, {
    ...link,
    'frame.len': 14 + 40 + 32 + 8,
    'eth.type': 0x86dd,
    ip: true,
    ipv6: true,
    'ip.src': parseAddress('2001:db8::1'),
    'ip.dst': parseAddress('ff02::1'),
    'ip.proto': 58,
    'ip.ttl': 255,
    'ip.len': 80,
    'ip.dscp': 46,
    'ip.ecn': 1,
    'ip.frag': true,
    'ip.frag_offset': 0,
    'ipv6.flow': 0x12345,
    'ipv6.nxt': 0,
    'ipv6.plen': 40,
    'ipv6.hopopts': true,
    'ipv6.dstopts': true,
    'ipv6.routing': true,
    'ipv6.ext_count': 4,
    icmpv6: true,
    'icmpv6.type': 135,
    'icmpv6.code': 0,
  })
})

test('readFact() reads TCP and its options', () => {
  const options = Uint8Array.of(2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0xff, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 9)
  const header = tcp({
    srcport: 80,
    dstport: 81,
    seq: 0xfffffffe,
    ack: 3,
    flags: 0xff,
    window: 9,
    urgentPointer: 8,
    options,
  })
  assert.deepEqual(factsOf(ipv4(plain4), header, 'xy'), {
    ...ipv4Facts,
    'frame.len': 76,
    'ip.proto': 6,
    'ip.len': 62,
    tcp: true,
    'tcp.srcport': 80,
    'tcp.dstport': 81,
    'tcp.seq': 0xfffffffe,
    'tcp.ack': 3,
    'tcp.hdr_len': 40,
    'tcp.flags': 0xff,
    ...flags('fin', 'syn', 'reset', 'push', 'ack', 'urg', 'ece', 'cwr'),
    'tcp.window': 9,
    'tcp.urgent_pointer': 8,
    'tcp.len': 2,
    'tcp.options': true,
    'tcp.options.mss': 1460,
    'tcp.options.wscale': 9,
    'tcp.options.sack_perm': true,
    'tcp.options.timestamp': true,
    'tcp.options.tsval': 0xff000001,
    'tcp.options.tsecr': 2,
    'tcp.payload': bytes('xy'),
  })
})

const flags = (...set: string[]): Facts => Object.fromEntries(set.map((name) => [`tcp.flags.${name}`, true]))

test('readFact() reads each TCP flag from its bit', () => {
  const bits = ['fin', 'syn', 'reset', 'push', 'ack', 'urg', 'ece', 'cwr']
  for (const [bit, name] of bits.entries()) {
    const facts = factsOf(ipv4(plain4), tcp({ flags: 1 << bit }))
    const set = Object.keys(facts).filter((key) => key.startsWith('tcp.flags.'))
    assert.deepEqual([facts['tcp.flags'], set], [1 << bit, [`tcp.flags.${name}`]])
  }
})

test('readFact() reads ICMP', () => {
  const facts = factsOf(ipv4(plain4), icmp({ type: 3, code: 4, ident: 0x1111, seq: 0x2222 }))
  assert.deepEqual(facts, {
    ...ipv4Facts,
    'frame.len': 42,
    'ip.proto': 1,
    'ip.len': 28,
    icmp: true,
    'icmp.type': 3,
    'icmp.code': 4,
    'icmp.ident': 0x1111,
    'icmp.seq': 0x2222,
  })
})

test('readFact() reads a DNS question', () => {
  const query = dns({
    id: 0xbeef,
    flags: 0xa910,
    questions: [{ name: 'Www.Example.com', type: 28, class: 3 }],
    answerCount: 2,
  })
  const facts = factsOf(ipv4(plain4), udp({ dstport: 53 }), query)
  const expected: Facts = {
    dns: true,
    'dns.id': 0xbeef,
    'dns.flags': 0xa910,
    'dns.flags.response': true,
    'dns.flags.opcode': 5,
    'dns.count.queries': 1,
    'dns.count.answers': 2,
    'dns.qry.name': encodeName('www.example.com'),
    'dns.qry.name.len': 15,
    'dns.count.labels': 3,
    'dns.qry.type': 28,
    'dns.qry.class': 3,
  }
  assert.deepEqual(Object.fromEntries(Object.entries(facts).filter(([name]) => name.startsWith('dns'))), expected)
})

test('readFact() has no upper fields of a later fragment, but the protocol', () => {
  const facts = factsOf(ipv4({ ...plain4, flags: 0, fragmentOffset: 8 }), udp({ dstport: 53 }), dns())
  assert.equal(facts['ip.proto'], 17)
  assert.deepEqual(
    Object.keys(facts).filter((name) => /^(udp|tcp|dns|icmp)/.test(name)),
    [],
  )
})
