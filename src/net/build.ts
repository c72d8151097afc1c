/**
 * Builds packets layer by layer: `buildPacket(ethernet(), ipv4({ src, dst }), udp({ dstport: 53 }), 'hello')`.
 * Lengths, checksums, EtherTypes and protocol numbers are right unless a layer's options say otherwise.
 */
import { addressBytes, parseAddress } from './address.ts'
import { checksum, pseudoHeaderSum } from './checksum.ts'
import { encodeName } from './dns-name.ts'
import { NetError } from './errors.ts'
import { parseMac } from './mac.ts'

/** What an upper layer needs of the IP header below it. */
interface PseudoHeader {
  readonly src: Uint8Array
  readonly dst: Uint8Array
}

/** One layer of a packet, outermost first in {@link buildPacket}. */
export interface Layer {
  /** EtherType that the layer below should announce. */
  readonly etherType?: number
  /** IP protocol number that the layer below should announce. */
  readonly protocol?: number
  readonly pseudoHeader?: PseudoHeader
  /** The layer and all above it. `next` is the layer above, if any; `pseudo` belongs to the nearest IP layer below. */
  write(payload: Uint8Array, next: Layer | undefined, pseudo: PseudoHeader | undefined): Uint8Array
}

/** Bytes as they are, or the Latin-1 bytes of a text. */
export type Content = Layer | Uint8Array | string

/** The whole frame or packet, from the outermost layer in. */
export function buildPacket(...contents: readonly Content[]): Uint8Array {
  const layers = contents.map((content) => (isLayer(content) ? content : raw(content)))
  let bytes: Uint8Array = new Uint8Array(0)
  for (let index = layers.length - 1; index >= 0; index--) {
    const below = layers.slice(0, index).findLast((layer) => layer.pseudoHeader)
    bytes = layers[index]!.write(bytes, layers[index + 1], below?.pseudoHeader)
  }
  return bytes
}

const isLayer = (content: Content): content is Layer => typeof content === 'object' && 'write' in content

/** Bytes that no layer describes. */
export function raw(content: Uint8Array | string): Layer {
  const bytes = typeof content === 'string' ? Uint8Array.from(content, (char) => char.charCodeAt(0)) : content
  return { write: (payload) => concat(bytes, payload) }
}

export interface EthernetOptions {
  readonly src?: string
  readonly dst?: string
  readonly type?: number
}

export function ethernet(options: EthernetOptions = {}): Layer {
  return {
    write: (payload, next) => {
      const header = new Uint8Array(14)
      setMac(header, 0, options.dst ?? '02:00:00:00:00:02')
      setMac(header, 6, options.src ?? '02:00:00:00:00:01')
      set16(header, 12, options.type ?? next?.etherType ?? 0)
      return concat(header, payload)
    },
  }
}

export interface VlanOptions {
  readonly id?: number
  readonly priority?: number
  /** EtherType of the tag itself: 0x8100, or 0x88a8 for the outer one of two. */
  readonly tag?: number
  /** EtherType behind the tag. */
  readonly type?: number
}

export function vlan(options: VlanOptions = {}): Layer {
  return {
    etherType: options.tag ?? 0x8100,
    write: (payload, next) => {
      const header = new Uint8Array(4)
      set16(header, 0, ((options.priority ?? 0) << 13) | (options.id ?? 1))
      set16(header, 2, options.type ?? next?.etherType ?? 0)
      return concat(header, payload)
    },
  }
}

export interface Ipv4Options {
  readonly src?: string
  readonly dst?: string
  readonly version?: number
  /** Header length in bytes; default: what the options need. */
  readonly headerLength?: number
  /** DSCP and ECN together, 8 bits. */
  readonly tos?: number
  /** Total length in bytes. */
  readonly length?: number
  readonly id?: number
  /** Reserved, DF and MF, 3 bits. */
  readonly flags?: number
  /** Bytes, a multiple of 8. */
  readonly fragmentOffset?: number
  readonly ttl?: number
  readonly protocol?: number
  readonly checksum?: number
  /** Padded with zeros to a multiple of 4 bytes. */
  readonly options?: Uint8Array
}

export function ipv4(options: Ipv4Options = {}): Layer {
  const pseudoHeader = { src: address(options.src ?? '192.0.2.1', 4), dst: address(options.dst ?? '198.51.100.1', 4) }
  return {
    etherType: 0x0800,
    protocol: 4,
    pseudoHeader,
    write: (payload, next) => {
      const tail = options.options ?? new Uint8Array(0)
      const header = new Uint8Array(20 + pad4(tail.length))
      header[0] = ((options.version ?? 4) << 4) | ((options.headerLength ?? header.length) >> 2)
      header[1] = options.tos ?? 0
      set16(header, 2, options.length ?? header.length + payload.length)
      set16(header, 4, options.id ?? 0)
      set16(header, 6, ((options.flags ?? 0) << 13) | ((options.fragmentOffset ?? 0) >> 3))
      header[8] = options.ttl ?? 64
      header[9] = options.protocol ?? next?.protocol ?? 253
      header.set(pseudoHeader.src, 12)
      header.set(pseudoHeader.dst, 16)
      header.set(tail, 20)
      set16(header, 10, options.checksum ?? checksum(header))
      return concat(header, payload)
    },
  }
}

export interface Ipv6Options {
  readonly src?: string
  readonly dst?: string
  readonly version?: number
  /** DSCP and ECN together, 8 bits. */
  readonly trafficClass?: number
  readonly flow?: number
  /** Payload length in bytes. */
  readonly length?: number
  readonly nextHeader?: number
  readonly hopLimit?: number
}

export function ipv6(options: Ipv6Options = {}): Layer {
  const pseudoHeader = { src: address(options.src ?? '2001:db8::1', 6), dst: address(options.dst ?? '2001:db8::2', 6) }
  return {
    etherType: 0x86dd,
    protocol: 41,
    pseudoHeader,
    write: (payload, next) => {
      const header = new Uint8Array(40)
      set32(header, 0, ((options.version ?? 6) << 28) | ((options.trafficClass ?? 0) << 20) | (options.flow ?? 0))
      set16(header, 4, options.length ?? payload.length)
      header[6] = options.nextHeader ?? next?.protocol ?? 59
      header[7] = options.hopLimit ?? 64
      header.set(pseudoHeader.src, 8)
      header.set(pseudoHeader.dst, 24)
      return concat(header, payload)
    },
  }
}

export interface ExtensionOptions {
  /** Body behind the first two bytes; default: the shortest, all zero. Its length should suit the header's unit. */
  readonly body?: Uint8Array
  /** The length byte. */
  readonly length?: number
  readonly nextHeader?: number
}

/** An IPv6 extension header of any kind but fragment: `kind` is its protocol number (0, 43, 51, 60, 135, 139, 140). */
export function extension(kind: number, options: ExtensionOptions = {}): Layer {
  return {
    protocol: kind,
    write: (payload, next) => {
      const body = options.body ?? new Uint8Array(6)
      const size = 2 + body.length
      const header = new Uint8Array(size)
      header[0] = options.nextHeader ?? next?.protocol ?? 59
      header[1] = options.length ?? (kind === 51 ? Math.ceil(size / 4) - 2 : Math.ceil(size / 8) - 1)
      header.set(body, 2)
      return concat(header, payload)
    },
  }
}

export interface FragmentOptions {
  /** Bytes, a multiple of 8. */
  readonly offset?: number
  readonly more?: boolean
  readonly id?: number
  readonly nextHeader?: number
}

/** The IPv6 fragment header. */
export function fragment(options: FragmentOptions = {}): Layer {
  return {
    protocol: 44,
    write: (payload, next) => {
      const header = new Uint8Array(8)
      header[0] = options.nextHeader ?? next?.protocol ?? 59
      set16(header, 2, (options.offset ?? 0) | (options.more ? 1 : 0))
      set32(header, 4, options.id ?? 1)
      return concat(header, payload)
    },
  }
}

export interface TcpBuildOptions {
  readonly srcport?: number
  readonly dstport?: number
  readonly seq?: number
  readonly ack?: number
  /** Header length in bytes. */
  readonly headerLength?: number
  /** CWR is 0x80, FIN 0x01. */
  readonly flags?: number
  readonly window?: number
  readonly checksum?: number
  readonly urgentPointer?: number
  /** Padded with zeros to a multiple of 4 bytes. */
  readonly options?: Uint8Array
}

export function tcp(options: TcpBuildOptions = {}): Layer {
  return {
    protocol: 6,
    write: (payload, _next, pseudo) => {
      const tail = options.options ?? new Uint8Array(0)
      const header = new Uint8Array(20 + pad4(tail.length))
      set16(header, 0, options.srcport ?? 40000)
      set16(header, 2, options.dstport ?? 80)
      set32(header, 4, options.seq ?? 0)
      set32(header, 8, options.ack ?? 0)
      header[12] = ((options.headerLength ?? header.length) >> 2) << 4
      header[13] = options.flags ?? 0x02
      set16(header, 14, options.window ?? 65535)
      set16(header, 18, options.urgentPointer ?? 0)
      header.set(tail, 20)
      return withChecksum(concat(header, payload), 16, 6, pseudo, options.checksum)
    },
  }
}

export interface UdpBuildOptions {
  readonly srcport?: number
  readonly dstport?: number
  /** Length of header and payload in bytes. */
  readonly length?: number
  readonly checksum?: number
}

export function udp(options: UdpBuildOptions = {}): Layer {
  return {
    protocol: 17,
    write: (payload, _next, pseudo) => {
      const header = new Uint8Array(8)
      set16(header, 0, options.srcport ?? 40000)
      set16(header, 2, options.dstport ?? 9)
      set16(header, 4, options.length ?? 8 + payload.length)
      const bytes = withChecksum(concat(header, payload), 6, 17, pseudo, options.checksum)
      if (options.checksum === undefined && bytes[6] === 0 && bytes[7] === 0 && pseudo) set16(bytes, 6, 0xffff)
      return bytes
    },
  }
}

export interface IcmpOptions {
  readonly type?: number
  readonly code?: number
  readonly ident?: number
  readonly seq?: number
  readonly checksum?: number
}

/** ICMP; an echo request by default. */
export function icmp(options: IcmpOptions = {}): Layer {
  return {
    protocol: 1,
    write: (payload) => {
      const bytes = concat(icmpHeader(options, 8), payload)
      set16(bytes, 2, options.checksum ?? checksum(bytes))
      return bytes
    },
  }
}

/** ICMPv6; an echo request by default. */
export function icmpv6(options: IcmpOptions = {}): Layer {
  return {
    protocol: 58,
    write: (payload, _next, pseudo) =>
      withChecksum(concat(icmpHeader(options, 128), payload), 2, 58, pseudo, options.checksum),
  }
}

function icmpHeader(options: IcmpOptions, type: number): Uint8Array {
  const header = new Uint8Array(8)
  header[0] = options.type ?? type
  header[1] = options.code ?? 0
  set16(header, 4, options.ident ?? 1)
  set16(header, 6, options.seq ?? 1)
  return header
}

export interface DnsOptions {
  readonly id?: number
  /** The whole flags word; 0x0100 (recursion desired) by default. */
  readonly flags?: number
  readonly questions?: readonly { readonly name: string; readonly type?: number; readonly class?: number }[]
  /** The counts of questions and answers, if they should not be the true ones. */
  readonly questionCount?: number
  readonly answerCount?: number
}

/** A DNS message without answers. */
export function dns(options: DnsOptions = {}): Layer {
  return {
    write: (payload) => {
      const questions = (options.questions ?? []).map((question) => {
        const tail = new Uint8Array(4)
        set16(tail, 0, question.type ?? 1)
        set16(tail, 2, question.class ?? 1)
        return concat(encodeName(question.name), tail)
      })
      const header = new Uint8Array(12)
      set16(header, 0, options.id ?? 0)
      set16(header, 2, options.flags ?? 0x0100)
      set16(header, 4, options.questionCount ?? questions.length)
      set16(header, 6, options.answerCount ?? 0)
      return concat(header, ...questions, payload)
    },
  }
}

function withChecksum(
  bytes: Uint8Array,
  at: number,
  protocol: number,
  pseudo: PseudoHeader | undefined,
  fixed: number | undefined,
): Uint8Array {
  const initial = pseudo ? pseudoHeaderSum(pseudo.src, pseudo.dst, protocol, bytes.length) : 0
  set16(bytes, at, fixed ?? checksum(bytes, initial))
  return bytes
}

function address(text: string, family: 4 | 6): Uint8Array {
  const parsed = parseAddress(text)
  if (parsed.family === family) return addressBytes(parsed)
  throw new NetError('NET_PACKET', `Cannot build an IPv${family} header: address is "${text}", wanted IPv${family}`)
}

/** All parts behind each other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

const pad4 = (length: number): number => (length + 3) & ~3

function setMac(bytes: Uint8Array, at: number, text: string): void {
  const mac = parseMac(text)
  set16(bytes, at, Math.floor(mac / 2 ** 32))
  set32(bytes, at + 2, mac)
}

function set16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

function set32(bytes: Uint8Array, at: number, value: number): void {
  set16(bytes, at, value >>> 16)
  set16(bytes, at + 2, value & 0xffff)
}
