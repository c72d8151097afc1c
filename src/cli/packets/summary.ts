import { type Address, addressAt, formatAddress, formatEndpoint } from '../../net/address.ts'
import { type Dissection, ETHERTYPE, PROTOCOL } from '../../net/dissect.ts'

/** A packet in one line: `IPv4 UDP 198.51.100.7:53 → 192.0.2.1:4242, 542 bytes`. */
export function summarize(packet: Dissection): string {
  const size = `${packet.bytes.length} bytes`
  if (packet.malformed !== null) return `malformed (${packet.malformed}), ${size}`
  const tags = packet.vlans.map((tag) => `VLAN ${tag & 0xfff} `).join('')
  if (packet.ipVersion === 0) return `${tags}${etherName(packet.etherType)}, ${size}`
  const [from, to] = endpoints(packet)
  const fragment = packet.fragment ? `, fragment at ${packet.fragmentOffset}` : ''
  return `${tags}IPv${packet.ipVersion} ${protocolName(packet)} ${from} → ${to}${detail(packet)}${fragment}, ${size}`
}

/** Source and destination address; undefined if it is not IP. */
export function addressesOf(packet: Dissection): { readonly src: Address; readonly dst: Address } | undefined {
  if (packet.ipVersion === 0) return undefined
  const [src, dst] = packet.ipVersion === 4 ? [12, 16] : [8, 24]
  return {
    src: addressAt(packet.bytes, packet.l3 + src, packet.ipVersion),
    dst: addressAt(packet.bytes, packet.l3 + dst, packet.ipVersion),
  }
}

function endpoints(packet: Dissection): [string, string] {
  const { src, dst } = addressesOf(packet)!
  if (packet.upper !== 'tcp' && packet.upper !== 'udp') return [formatAddress(src), formatAddress(dst)]
  const port = (at: number) => packet.view.getUint16(packet.l4 + at)
  return [formatEndpoint(src, port(0)), formatEndpoint(dst, port(2))]
}

function protocolName({ upper, protocol }: Dissection): string {
  if (upper !== null) return { tcp: 'TCP', udp: 'UDP', icmp: 'ICMP', icmpv6: 'ICMPv6' }[upper]
  const name = Object.entries(PROTOCOL).find(([, number]) => number === protocol)?.[0]
  return name === undefined ? `protocol ${protocol}` : name.toUpperCase()
}

function etherName(type: number): string {
  return type === ETHERTYPE.arp ? 'ARP' : `EtherType 0x${type.toString(16).padStart(4, '0')}`
}

const flagNames = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR']

function detail(packet: Dissection): string {
  const { upper, view, l4, question } = packet
  if (upper === 'tcp') {
    const flags = view.getUint8(l4 + 13)
    const set = flagNames.filter((_, bit) => (flags >> bit) & 1)
    return set.length === 0 ? ' no flags' : ` ${set.join(' ')}`
  }
  if (upper === 'icmp' || upper === 'icmpv6') return ` type ${view.getUint8(l4)} code ${view.getUint8(l4 + 1)}`
  return question === null || question === undefined ? '' : ` DNS type ${question.type}`
}
