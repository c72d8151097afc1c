/** Reads a frame as docs/packet.md says, step by step; every function here is one of its steps. */
import { type DnsQuestion, readQuestion } from './dns-question.ts'
import { readTcpOptions, type TcpOptions } from './tcp-options.ts'

/** Why a frame is malformed, in the order of docs/packet.md. */
export const malformedReasons = [
  'eth_truncated',
  'vlan_truncated',
  'vlan_depth',
  'ip_truncated',
  'ip_header',
  'ip_length',
  'ipv6_ext_truncated',
  'ipv6_ext_depth',
  'tcp_truncated',
  'tcp_header',
  'udp_truncated',
  'udp_length',
  'icmp_truncated',
] as const

export type MalformedReason = (typeof malformedReasons)[number]

/** What lies above IP, if its header is whole. */
export type Upper = 'tcp' | 'udp' | 'icmp' | 'icmpv6'

export const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd, qinq: 0x88a8 } as const

export const PROTOCOL = {
  hopopts: 0,
  icmp: 1,
  ipip: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  none: 59,
  dstopts: 60,
  mobility: 135,
  hip: 139,
  shim6: 140,
} as const

const MAX_VLANS = 2
const MAX_EXTENSION_HEADERS = 8
const extensionHeaders: ReadonlySet<number> = new Set([0, 43, 44, 51, 60, 135, 139, 140])

/** All facts about one frame. Offsets count from the first byte of the frame; facts of layers that do not exist are -1, 0, null or empty. */
export class Dissection {
  readonly bytes: Uint8Array
  readonly view: DataView
  malformed: MalformedReason | null = null
  /** EtherType behind the VLAN tags, -1 if there is none. */
  etherType = -1
  /** Tag control words, outer first. */
  readonly vlans: number[] = []
  /** 4 or 6 once the IP header has passed all checks of its own, else 0. */
  ipVersion: 0 | 4 | 6 = 0
  /** Start of the IP header. */
  l3 = -1
  /** Where the IP packet ends: what follows is padding. */
  end = -1
  /** Upper protocol, behind IPv6 extension headers; -1 without IP. */
  protocol = -1
  fragment = false
  /** Bytes. */
  fragmentOffset = 0
  /** Numbers of the IPv6 extension headers walked, in order. */
  readonly extensions: number[] = []
  /** Start of the upper header; of a later fragment, of its data. */
  l4 = -1
  upper: Upper | null = null
  /** Payload of TCP or UDP: start, and end behind its last byte. */
  payload = -1
  payloadEnd = -1
  #tcpOptions: TcpOptions | undefined
  #question: DnsQuestion | null | undefined

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** UDP from or to port 53 with a whole DNS header. */
  get dns(): boolean {
    return this.upper === 'udp' && this.payloadEnd - this.payload >= 12 && this.#fromOrToPort(53)
  }

  /** Options of TCP; empty for anything else. */
  get tcpOptions(): TcpOptions {
    this.#tcpOptions ??= this.upper === 'tcp' ? readTcpOptions(this.view, this.l4 + 20, this.payload) : {}
    return this.#tcpOptions
  }

  /** The first question, if the packet is DNS and it is well formed. */
  get question(): DnsQuestion | null {
    if (this.#question === undefined)
      this.#question = this.dns ? readQuestion(this.bytes, this.payload, this.payloadEnd) : null
    return this.#question
  }

  #fromOrToPort(port: number): boolean {
    return this.view.getUint16(this.l4) === port || this.view.getUint16(this.l4 + 2) === port
  }
}

/** Reads a frame; never throws, whatever the bytes. */
export function dissect(bytes: Uint8Array): Dissection {
  const packet = new Dissection(bytes)
  packet.malformed = readEthernet(packet)
  return packet
}

function readEthernet(packet: Dissection): MalformedReason | null {
  const { bytes, view } = packet
  if (bytes.length < 14) return 'eth_truncated'
  let at = 14
  let etherType = view.getUint16(12)
  while (etherType === ETHERTYPE.vlan || etherType === ETHERTYPE.qinq) {
    if (packet.vlans.length === MAX_VLANS) return 'vlan_depth'
    if (bytes.length < at + 4) return 'vlan_truncated'
    packet.vlans.push(view.getUint16(at))
    etherType = view.getUint16(at + 2)
    at += 4
  }
  packet.etherType = etherType
  if (etherType === ETHERTYPE.ipv4) return readIpv4(packet, at)
  if (etherType === ETHERTYPE.ipv6) return readIpv6(packet, at)
  return null
}

function readIpv4(packet: Dissection, at: number): MalformedReason | null {
  const { bytes, view } = packet
  const room = bytes.length - at
  if (room < 20) return 'ip_truncated'
  const headerLength = (bytes[at]! & 0x0f) * 4
  if (bytes[at]! >> 4 !== 4 || headerLength < 20) return 'ip_header'
  if (room < headerLength) return 'ip_truncated'
  const totalLength = view.getUint16(at + 2)
  if (totalLength < headerLength) return 'ip_length'
  if (room < totalLength) return 'ip_truncated'
  const fragment = view.getUint16(at + 6)
  packet.ipVersion = 4
  packet.l3 = at
  packet.end = at + totalLength
  packet.protocol = bytes[at + 9]!
  packet.fragment = (fragment & 0x3fff) !== 0
  packet.fragmentOffset = (fragment & 0x1fff) * 8
  packet.l4 = at + headerLength
  return readUpper(packet)
}

function readIpv6(packet: Dissection, at: number): MalformedReason | null {
  const { bytes, view } = packet
  const room = bytes.length - at
  if (room < 40) return 'ip_truncated'
  if (bytes[at]! >> 4 !== 6) return 'ip_header'
  const length = 40 + view.getUint16(at + 4)
  if (room < length) return 'ip_truncated'
  packet.ipVersion = 6
  packet.l3 = at
  packet.end = at + length
  packet.protocol = bytes[at + 6]!
  packet.l4 = at + 40
  return walkExtensions(packet) ?? readUpper(packet)
}

/** Moves `protocol` and `l4` behind the extension headers. */
function walkExtensions(packet: Dissection): MalformedReason | null {
  const { bytes, view } = packet
  while (extensionHeaders.has(packet.protocol) && packet.fragmentOffset === 0) {
    if (packet.extensions.length === MAX_EXTENSION_HEADERS) return 'ipv6_ext_depth'
    const kind = packet.protocol
    const at = packet.l4
    if (packet.end < at + 8) return 'ipv6_ext_truncated'
    const next = at + extensionLength(kind, bytes[at + 1]!)
    if (packet.end < next) return 'ipv6_ext_truncated'
    if (kind === PROTOCOL.fragment) {
      packet.fragment = true
      packet.fragmentOffset = view.getUint16(at + 2) & 0xfff8
    }
    packet.extensions.push(kind)
    packet.protocol = bytes[at]!
    packet.l4 = next
  }
  return null
}

function extensionLength(kind: number, length: number): number {
  if (kind === PROTOCOL.fragment) return 8
  return kind === PROTOCOL.ah ? (length + 2) * 4 : (length + 1) * 8
}

function readUpper(packet: Dissection): MalformedReason | null {
  if (packet.fragmentOffset !== 0) return null
  if (packet.protocol === PROTOCOL.tcp) return readTcp(packet)
  if (packet.protocol === PROTOCOL.udp) return readUdp(packet)
  if (packet.protocol === PROTOCOL.icmp && packet.ipVersion === 4) return readIcmp(packet, 'icmp')
  if (packet.protocol === PROTOCOL.icmpv6 && packet.ipVersion === 6) return readIcmp(packet, 'icmpv6')
  return null
}

function readTcp(packet: Dissection): MalformedReason | null {
  const room = packet.end - packet.l4
  if (room < 20) return 'tcp_truncated'
  const headerLength = (packet.bytes[packet.l4 + 12]! >> 4) * 4
  if (headerLength < 20) return 'tcp_header'
  if (room < headerLength) return 'tcp_truncated'
  packet.upper = 'tcp'
  packet.payload = packet.l4 + headerLength
  packet.payloadEnd = packet.end
  return null
}

function readUdp(packet: Dissection): MalformedReason | null {
  const room = packet.end - packet.l4
  if (room < 8) return 'udp_truncated'
  const length = packet.view.getUint16(packet.l4 + 4)
  if (length < 8 || (length > room && !packet.fragment)) return 'udp_length'
  packet.upper = 'udp'
  packet.payload = packet.l4 + 8
  packet.payloadEnd = packet.l4 + Math.min(length, room)
  return null
}

function readIcmp(packet: Dissection, upper: 'icmp' | 'icmpv6'): MalformedReason | null {
  if (packet.end - packet.l4 < 8) return 'icmp_truncated'
  packet.upper = upper
  return null
}
