/** How each field is read from a dissected packet: undefined, or false for flags, if the packet does not have it. */
import { type Address, addressAt } from '../net/address.ts'
import { type Dissection, ETHERTYPE, PROTOCOL, type Upper } from '../net/dissect.ts'
import type { FieldName, FieldType, fields } from './fields.ts'

type Fact<T extends FieldType> = T['kind'] extends 'bool'
  ? boolean
  : T['kind'] extends 'address'
    ? Address | undefined
    : T['kind'] extends 'bytes' | 'name'
      ? Uint8Array | undefined
      : number | undefined

/** Any field's value. Names are as on the wire, payloads whole. */
export type AnyFact = boolean | number | Address | Uint8Array | undefined

type Readers = { readonly [Name in FieldName]: (packet: Dissection) => Fact<(typeof fields)[Name]['type']> }

type NumberReader = (packet: Dissection) => number | undefined

const when =
  (has: (packet: Dissection) => boolean, read: (packet: Dissection) => number): NumberReader =>
  (packet) =>
    has(packet) ? read(packet) : undefined

const isIpv4 = (packet: Dissection): boolean => packet.ipVersion === 4
const isIpv6 = (packet: Dissection): boolean => packet.ipVersion === 6
const isIp = (packet: Dissection): boolean => packet.ipVersion !== 0

const ipv4 = (read: (packet: Dissection) => number): NumberReader => when(isIpv4, read)
const ipv6 = (read: (packet: Dissection) => number): NumberReader => when(isIpv6, read)

const upper = (kind: Upper, read: (packet: Dissection) => number): NumberReader =>
  when((packet) => packet.upper === kind, read)

/** A big-endian number at an offset of the upper header. */
const upper8 = (kind: Upper, at: number): NumberReader => upper(kind, (p) => p.view.getUint8(p.l4 + at))
const upper16 = (kind: Upper, at: number): NumberReader => upper(kind, (p) => p.view.getUint16(p.l4 + at))
const upper32 = (kind: Upper, at: number): NumberReader => upper(kind, (p) => p.view.getUint32(p.l4 + at))

const ipv4Flag = (mask: number) => (packet: Dissection) =>
  isIpv4(packet) && (packet.view.getUint8(packet.l3 + 6) & mask) !== 0

const tcpFlag = (mask: number) => (packet: Dissection) =>
  packet.upper === 'tcp' && (packet.view.getUint8(packet.l4 + 13) & mask) !== 0

const dns16 = (at: number): NumberReader =>
  when(
    (p) => p.dns,
    (p) => p.view.getUint16(p.payload + at),
  )

/** DSCP and ECN. */
const trafficClass = (p: Dissection): number =>
  p.ipVersion === 4 ? p.view.getUint8(p.l3 + 1) : (p.view.getUint16(p.l3) >> 4) & 0xff

const mac = (p: Dissection, at: number): number => p.view.getUint16(at) * 2 ** 32 + p.view.getUint32(at + 2)

const address = (p: Dissection, at4: number, at6: number): Address | undefined =>
  p.ipVersion === 0 ? undefined : addressAt(p.bytes, p.l3 + (p.ipVersion === 4 ? at4 : at6), p.ipVersion)

const payload = (kind: Upper) => (p: Dissection) =>
  p.upper === kind ? p.bytes.subarray(p.payload, p.payloadEnd) : undefined

/** One reader for every field. */
export const facts: Readers = {
  'frame.len': (p) => p.bytes.length,
  'eth.src': (p) => mac(p, 6),
  'eth.dst': (p) => mac(p, 0),
  'eth.type': (p) => p.etherType,
  vlan: (p) => p.vlans.length > 0,
  'vlan.id': (p) => (p.vlans[0] === undefined ? undefined : p.vlans[0] & 0xfff),
  'vlan.priority': (p) => (p.vlans[0] === undefined ? undefined : p.vlans[0] >> 13),
  'vlan.inner.id': (p) => (p.vlans[1] === undefined ? undefined : p.vlans[1] & 0xfff),
  'vlan.inner.priority': (p) => (p.vlans[1] === undefined ? undefined : p.vlans[1] >> 13),
  arp: (p) => p.etherType === ETHERTYPE.arp,

  ip: isIp,
  ipv4: isIpv4,
  ipv6: isIpv6,
  'ip.src': (p) => address(p, 12, 8),
  'ip.dst': (p) => address(p, 16, 24),
  'ip.proto': when(isIp, (p) => p.protocol),
  'ip.ttl': when(isIp, (p) => p.view.getUint8(p.l3 + (p.ipVersion === 4 ? 8 : 7))),
  'ip.len': when(isIp, (p) => Math.min(p.end - p.l3, 0xffff)),
  'ip.dscp': when(isIp, (p) => trafficClass(p) >> 2),
  'ip.ecn': when(isIp, (p) => trafficClass(p) & 3),
  'ip.frag': (p) => p.fragment,
  'ip.frag_offset': when(isIp, (p) => p.fragmentOffset),
  'ip.hdr_len': ipv4((p) => (p.view.getUint8(p.l3) & 0x0f) * 4),
  'ip.id': ipv4((p) => p.view.getUint16(p.l3 + 4)),
  'ip.flags.df': ipv4Flag(0x40),
  'ip.flags.mf': ipv4Flag(0x20),
  'ip.flags.rb': ipv4Flag(0x80),
  'ip.options': (p) => isIpv4(p) && (p.view.getUint8(p.l3) & 0x0f) > 5,
  'ip.checksum': ipv4((p) => p.view.getUint16(p.l3 + 10)),
  'ipv6.flow': ipv6((p) => p.view.getUint32(p.l3) & 0xfffff),
  'ipv6.nxt': ipv6((p) => p.view.getUint8(p.l3 + 6)),
  'ipv6.plen': ipv6((p) => p.view.getUint16(p.l3 + 4)),
  'ipv6.hopopts': (p) => p.extensions.includes(PROTOCOL.hopopts),
  'ipv6.dstopts': (p) => p.extensions.includes(PROTOCOL.dstopts),
  'ipv6.routing': (p) => p.extensions.includes(PROTOCOL.routing),
  'ipv6.ext_count': ipv6((p) => p.extensions.length),

  tcp: (p) => p.upper === 'tcp',
  'tcp.srcport': upper16('tcp', 0),
  'tcp.dstport': upper16('tcp', 2),
  'tcp.seq': upper32('tcp', 4),
  'tcp.ack': upper32('tcp', 8),
  'tcp.hdr_len': upper('tcp', (p) => p.payload - p.l4),
  'tcp.flags': upper8('tcp', 13),
  'tcp.flags.fin': tcpFlag(0x01),
  'tcp.flags.syn': tcpFlag(0x02),
  'tcp.flags.reset': tcpFlag(0x04),
  'tcp.flags.push': tcpFlag(0x08),
  'tcp.flags.ack': tcpFlag(0x10),
  'tcp.flags.urg': tcpFlag(0x20),
  'tcp.flags.ece': tcpFlag(0x40),
  'tcp.flags.cwr': tcpFlag(0x80),
  'tcp.window': upper16('tcp', 14),
  'tcp.urgent_pointer': upper16('tcp', 18),
  'tcp.len': upper('tcp', (p) => p.payloadEnd - p.payload),
  'tcp.options': (p) => p.upper === 'tcp' && p.payload - p.l4 > 20,
  'tcp.options.mss': (p) => p.tcpOptions.mss,
  'tcp.options.wscale': (p) => p.tcpOptions.windowScale,
  'tcp.options.sack_perm': (p) => p.tcpOptions.sackPermitted === true,
  'tcp.options.timestamp': (p) => p.tcpOptions.timestamp !== undefined,
  'tcp.options.tsval': (p) => p.tcpOptions.timestamp?.value,
  'tcp.options.tsecr': (p) => p.tcpOptions.timestamp?.echo,
  'tcp.payload': payload('tcp'),

  udp: (p) => p.upper === 'udp',
  'udp.srcport': upper16('udp', 0),
  'udp.dstport': upper16('udp', 2),
  'udp.length': upper16('udp', 4),
  'udp.checksum': upper16('udp', 6),
  'udp.payload': payload('udp'),

  icmp: (p) => p.upper === 'icmp',
  'icmp.type': upper8('icmp', 0),
  'icmp.code': upper8('icmp', 1),
  'icmp.ident': upper16('icmp', 4),
  'icmp.seq': upper16('icmp', 6),
  icmpv6: (p) => p.upper === 'icmpv6',
  'icmpv6.type': upper8('icmpv6', 0),
  'icmpv6.code': upper8('icmpv6', 1),

  dns: (p) => p.dns,
  'dns.id': dns16(0),
  'dns.flags': dns16(2),
  'dns.flags.response': (p) => p.dns && (p.view.getUint8(p.payload + 2) & 0x80) !== 0,
  'dns.flags.opcode': when(
    (p) => p.dns,
    (p) => (p.view.getUint8(p.payload + 2) >> 3) & 0x0f,
  ),
  'dns.count.queries': dns16(4),
  'dns.count.answers': dns16(6),
  'dns.qry.name': (p) => p.question?.wire,
  'dns.qry.name.len': (p) => p.question?.nameLength,
  'dns.count.labels': (p) => p.question?.labels,
  'dns.qry.type': (p) => p.question?.type,
  'dns.qry.class': (p) => p.question?.class,
}

/** The value of any field; undefined, or false for flags, if the packet does not have it. */
export function readFact(packet: Dissection, name: FieldName): AnyFact {
  return facts[name](packet)
}
