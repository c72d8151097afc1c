/** Reads frames for the balancer's tests: as RFCs say, with nothing of Seawall's own code. */

export interface IpHeader {
  readonly version: 4 | 6
  /** Bytes of the header; of IPv6 without extension headers. */
  readonly headerLength: number
  /** The whole packet, as its header says. */
  readonly length: number
  readonly tos: number
  readonly ttl: number
  readonly protocol: number
  readonly src: string
  readonly dst: string
  /** Of IPv4. */
  readonly id: number
  readonly flags: number
  readonly fragmentOffset: number
  /** Of IPv6. */
  readonly flowLabel: number
  readonly checksumIsRight: boolean
}

export interface Link {
  /** Hexadecimal. */
  readonly dst: string
  readonly src: string
  readonly tags: string
  readonly type: number
  readonly length: number
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

export const wordAt = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!

/** Ethernet and up to two VLAN tags; undefined if there is not that much. */
export function readLink(frame: Uint8Array): Link | undefined {
  let at = 12
  while (at < 20 && at + 2 <= frame.length && [0x8100, 0x88a8].includes(wordAt(frame, at))) at += 4
  if (at + 2 > frame.length) return undefined
  return {
    dst: hex(frame.subarray(0, 6)),
    src: hex(frame.subarray(6, 12)),
    tags: hex(frame.subarray(12, at)),
    type: wordAt(frame, at),
    length: at + 2,
  }
}

/** Sum of the 16-bit words, folded: 0xffff over what contains its own checksum. */
export function onesComplementSum(bytes: Uint8Array, initial = 0): number {
  let sum = initial
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) + (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000)
  return sum
}

/** An IP header that is there as a whole; undefined for anything else. */
export function readIp(packet: Uint8Array): IpHeader | undefined {
  const version = packet.length === 0 ? 0 : packet[0]! >> 4
  if (version === 4) return readIpv4(packet)
  return version === 6 ? readIpv6(packet) : undefined
}

function readIpv4(packet: Uint8Array): IpHeader | undefined {
  const headerLength = (packet[0]! & 15) * 4
  if (packet.length < 20 || headerLength < 20) return undefined
  return {
    version: 4,
    headerLength,
    length: wordAt(packet, 2),
    tos: packet[1]!,
    ttl: packet[8]!,
    protocol: packet[9]!,
    src: packet.subarray(12, 16).join('.'),
    dst: packet.subarray(16, 20).join('.'),
    id: wordAt(packet, 4),
    flags: packet[6]! >> 5,
    fragmentOffset: wordAt(packet, 6) & 0x1fff,
    flowLabel: 0,
    checksumIsRight: packet.length >= headerLength && onesComplementSum(packet.subarray(0, headerLength)) === 0xffff,
  }
}

function readIpv6(packet: Uint8Array): IpHeader | undefined {
  if (packet.length < 40) return undefined
  return {
    version: 6,
    headerLength: 40,
    length: 40 + wordAt(packet, 4),
    tos: ((packet[0]! & 15) << 4) | (packet[1]! >> 4),
    ttl: packet[7]!,
    protocol: packet[6]!,
    src: hex(packet.subarray(8, 24)),
    dst: hex(packet.subarray(24, 40)),
    id: 0,
    flags: 0,
    fragmentOffset: 0,
    flowLabel: ((packet[1]! & 15) << 16) | wordAt(packet, 2),
    checksumIsRight: true,
  }
}

/** What is carried in a tunnel to one of the addresses. */
export interface Inner {
  readonly outer: IpHeader
  /** From its IP header to the end of what it is in. */
  readonly packet: Uint8Array
  /** In the frame. */
  readonly offset: number
  readonly gue?: {
    readonly srcport: number
    readonly checksum: number
    readonly header: Uint8Array
    readonly length: number
  }
}

/** What an IP packet at an offset of a frame carries, by IP in IP or GUE to the port; undefined if it is no tunnel's. */
export function readInner(frame: Uint8Array, at: number, guePort: number): Inner | undefined {
  const outer = readIp(frame.subarray(at))
  if (outer === undefined || outer.fragmentOffset !== 0 || (outer.flags & 1) !== 0) return undefined
  const end = at + outer.length
  const offset = at + outer.headerLength
  if (outer.protocol === 4 || outer.protocol === 41) return { outer, packet: frame.subarray(offset, end), offset }
  if (outer.protocol !== 17 || frame.length < offset + 12 || wordAt(frame, offset + 2) !== guePort) return undefined
  const inside = offset + 12 + (frame[offset + 8]! & 31) * 4
  const length = wordAt(frame, offset + 4)
  const gue = {
    srcport: wordAt(frame, offset),
    checksum: wordAt(frame, offset + 6),
    header: frame.subarray(offset + 8, inside),
    length,
  }
  return { outer, packet: frame.subarray(inside, offset + length), offset: inside, gue }
}
