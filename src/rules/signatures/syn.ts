/** What a p0f signature says of a packet, read as docs/rules.md defines it. */
import type { Dissection } from '../../net/dissect.ts'
import { type Quirk, quirks } from './signature.ts'
import { readSynOptions, type SynOptions } from './syn-options.ts'

export interface Syn extends SynOptions {
  readonly version: 4 | 6
  readonly ttl: number
  /** Length of the IPv4 options, bytes. */
  readonly ipOptions: number
  /** Length of the IP and the TCP header with their options, bytes. */
  readonly headers: number
  readonly window: number
  readonly payload: boolean
}

const [FIN, SYN, RST, PSH, ACK, URG, ECE_CWR] = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0xc0]

/** Reads a TCP SYN; undefined if the packet is anything else, a fragment, or has IPv6 extension headers. */
export function readSyn(packet: Dissection): Syn | undefined {
  const { view, l3, l4, ipVersion: version } = packet
  if (version === 0 || packet.upper !== 'tcp' || packet.fragment || packet.extensions.length > 0) return undefined
  if ((view.getUint8(l4 + 13) & (FIN | SYN | RST | ACK)) !== SYN) return undefined
  const options = readSynOptions(packet.bytes.subarray(l4 + 20, packet.payload))
  const found = new Set([...(version === 4 ? ipv4Quirks(view, l3) : ipv6Quirks(view, l3)), ...tcpQuirks(view, l4)])
  for (const quirk of options.quirks) found.add(quirk)
  return {
    ...options,
    version,
    ttl: view.getUint8(l3 + (version === 4 ? 8 : 7)),
    ipOptions: version === 4 ? l4 - l3 - 20 : 0,
    headers: packet.payload - l3,
    window: view.getUint16(l4 + 14),
    payload: packet.payloadEnd > packet.payload,
    quirks: quirks.filter((quirk) => found.has(quirk)),
  }
}

function* ipv4Quirks(view: DataView, l3: number): Generator<Quirk> {
  const flags = view.getUint8(l3 + 6)
  const id = view.getUint16(l3 + 4)
  if ((view.getUint8(l3 + 1) & 3) !== 0) yield 'ecn'
  if ((flags & 0x80) !== 0) yield '0+'
  if ((flags & 0x40) !== 0) {
    yield 'df'
    if (id !== 0) yield 'id+'
  } else if (id === 0) yield 'id-'
}

function* ipv6Quirks(view: DataView, l3: number): Generator<Quirk> {
  const word = view.getUint32(l3)
  if (((word >>> 20) & 3) !== 0) yield 'ecn'
  if ((word & 0xfffff) !== 0) yield 'flow'
}

function* tcpQuirks(view: DataView, l4: number): Generator<Quirk> {
  const flags = view.getUint8(l4 + 13)
  const nonce = view.getUint8(l4 + 12) & 1
  if ((flags & ECE_CWR) !== 0 || nonce !== 0) yield 'ecn'
  if (view.getUint32(l4 + 4) === 0) yield 'seq-'
  if (view.getUint32(l4 + 8) !== 0) yield 'ack+'
  if ((flags & URG) !== 0) yield 'urgf+'
  else if (view.getUint16(l4 + 18) !== 0) yield 'uptr+'
  if ((flags & PSH) !== 0) yield 'pushf+'
}
