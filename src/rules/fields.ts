/** Every field of the rule language, under its Wireshark name. How each is read is defined in docs/rules.md. */

export type FieldType =
  | { readonly kind: 'bool' }
  | { readonly kind: 'number'; readonly bits: number }
  | { readonly kind: 'address' }
  | { readonly kind: 'mac' }
  | { readonly kind: 'bytes' }
  | { readonly kind: 'name' }

export interface FieldInfo {
  readonly type: FieldType
  readonly help: string
}

const bool = (help: string) => ({ type: { kind: 'bool' }, help }) as const
const number = (bits: number, help: string) => ({ type: { kind: 'number', bits }, help }) as const
const address = (help: string) => ({ type: { kind: 'address' }, help }) as const
const mac = (help: string) => ({ type: { kind: 'mac' }, help }) as const
const bytes = (help: string) => ({ type: { kind: 'bytes' }, help }) as const
const name = (help: string) => ({ type: { kind: 'name' }, help }) as const

export const fields = {
  'frame.len': number(16, 'length of the frame from its Ethernet header, bytes'),
  'eth.src': mac('source MAC address'),
  'eth.dst': mac('destination MAC address'),
  'eth.type': number(16, 'EtherType after at most two VLAN tags'),
  vlan: bool('has a VLAN tag'),
  'vlan.id': number(12, 'VLAN id of the outer tag'),
  'vlan.priority': number(3, 'priority (PCP) of the outer tag'),
  'vlan.inner.id': number(12, 'VLAN id of the inner tag'),
  'vlan.inner.priority': number(3, 'priority (PCP) of the inner tag'),
  arp: bool('is ARP'),

  ip: bool('is IPv4 or IPv6'),
  ipv4: bool('is IPv4'),
  ipv6: bool('is IPv6'),
  'ip.src': address('source address, IPv4 or IPv6'),
  'ip.dst': address('destination address, IPv4 or IPv6'),
  'ip.proto': number(8, 'upper protocol; for IPv6 the one after the extension headers'),
  'ip.ttl': number(8, 'time to live, or hop limit'),
  'ip.len': number(16, 'length of the IP packet with its header, bytes (IPv6: at most 65,535)'),
  'ip.dscp': number(6, 'differentiated services code point'),
  'ip.ecn': number(2, 'explicit congestion notification bits'),
  'ip.frag': bool('is a fragment, the first one too'),
  'ip.frag_offset': number(16, 'offset of the fragment, bytes; 0 when not a fragment'),
  'ip.hdr_len': number(6, 'IPv4 header length, bytes'),
  'ip.id': number(16, 'IPv4 identification'),
  'ip.flags.df': bool('IPv4 "do not fragment"'),
  'ip.flags.mf': bool('IPv4 "more fragments"'),
  'ip.flags.rb': bool('IPv4 reserved bit'),
  'ip.options': bool('IPv4 header has options'),
  'ip.checksum': number(16, 'IPv4 header checksum, as received'),
  'ipv6.flow': number(20, 'IPv6 flow label'),
  'ipv6.nxt': number(8, 'next header of the IPv6 header itself'),
  'ipv6.plen': number(16, 'IPv6 payload length, bytes'),
  'ipv6.hopopts': bool('has a hop-by-hop options header'),
  'ipv6.dstopts': bool('has a destination options header'),
  'ipv6.routing': bool('has a routing header'),
  'ipv6.ext_count': number(4, 'number of IPv6 extension headers'),

  tcp: bool('is TCP, with a whole header'),
  'tcp.srcport': number(16, 'TCP source port'),
  'tcp.dstport': number(16, 'TCP destination port'),
  'tcp.seq': number(32, 'TCP sequence number'),
  'tcp.ack': number(32, 'TCP acknowledgement number'),
  'tcp.hdr_len': number(6, 'TCP header length, bytes'),
  'tcp.flags': number(8, 'TCP flags, CWR is 0x80 and FIN 0x01'),
  'tcp.flags.fin': bool('TCP FIN'),
  'tcp.flags.syn': bool('TCP SYN'),
  'tcp.flags.reset': bool('TCP RST'),
  'tcp.flags.push': bool('TCP PSH'),
  'tcp.flags.ack': bool('TCP ACK'),
  'tcp.flags.urg': bool('TCP URG'),
  'tcp.flags.ece': bool('TCP ECE'),
  'tcp.flags.cwr': bool('TCP CWR'),
  'tcp.window': number(16, 'TCP window, unscaled'),
  'tcp.urgent_pointer': number(16, 'TCP urgent pointer'),
  'tcp.len': number(16, 'length of the TCP payload, bytes'),
  'tcp.options': bool('TCP header has options'),
  'tcp.options.mss': number(16, 'maximum segment size option'),
  'tcp.options.wscale': number(8, 'window scale option, shift'),
  'tcp.options.sack_perm': bool('SACK permitted option'),
  'tcp.options.timestamp': bool('timestamps option'),
  'tcp.options.tsval': number(32, 'timestamps option, value'),
  'tcp.options.tsecr': number(32, 'timestamps option, echo reply'),
  'tcp.payload': bytes('TCP payload'),

  udp: bool('is UDP, with a whole header'),
  'udp.srcport': number(16, 'UDP source port'),
  'udp.dstport': number(16, 'UDP destination port'),
  'udp.length': number(16, 'UDP length field, bytes'),
  'udp.checksum': number(16, 'UDP checksum, as received'),
  'udp.payload': bytes('UDP payload'),

  icmp: bool('is ICMP (IPv4), with a whole header'),
  'icmp.type': number(8, 'ICMP type'),
  'icmp.code': number(8, 'ICMP code'),
  'icmp.ident': number(16, 'ICMP identifier (bytes 4 and 5)'),
  'icmp.seq': number(16, 'ICMP sequence number (bytes 6 and 7)'),
  icmpv6: bool('is ICMPv6, with a whole header'),
  'icmpv6.type': number(8, 'ICMPv6 type'),
  'icmpv6.code': number(8, 'ICMPv6 code'),

  dns: bool('is UDP from or to port 53 with a whole DNS header'),
  'dns.id': number(16, 'DNS transaction id'),
  'dns.flags': number(16, 'DNS flags word'),
  'dns.flags.response': bool('DNS response (QR)'),
  'dns.flags.opcode': number(4, 'DNS opcode'),
  'dns.count.queries': number(16, 'DNS question count'),
  'dns.count.answers': number(16, 'DNS answer count'),
  'dns.qry.name': name('first name asked for, compared without case'),
  'dns.qry.name.len': number(8, 'length of that name as text without the final dot, bytes'),
  'dns.count.labels': number(7, 'labels of that name'),
  'dns.qry.type': number(16, 'type asked for'),
  'dns.qry.class': number(16, 'class asked for'),
} as const satisfies Record<string, FieldInfo>

export type FieldName = keyof typeof fields
