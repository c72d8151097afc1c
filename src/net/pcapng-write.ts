/**
 * Writes pcapng (draft-ietf-opsawg-pcapng) block by block, so that a capture can be streamed: first {@link pcapngSection}, then an
 * {@link pcapngInterface} before the first {@link pcapngPacket} that came in there, and {@link pcapngStatistics} at the end.
 */
import { concat } from './bytes.ts'
import { LINKTYPE_ETHERNET } from './capture.ts'
import { BLOCK, OPTION } from './pcapng.ts'

export interface PcapngSection {
  /** Name of the program that captured. */
  readonly application?: string
  readonly comment?: string
}

/** The header of a section; in a file it comes first. */
export function pcapngSection({ application = 'seawall', comment }: PcapngSection = {}): Uint8Array {
  const body = new Uint8Array(16)
  const view = new DataView(body.buffer)
  view.setUint32(0, 0x1a2b3c4d, true)
  view.setUint16(4, 1, true)
  view.setBigInt64(8, -1n, true)
  return block(BLOCK.section, body, [...commentOption(comment), [OPTION.application, encode(application)]])
}

export interface PcapngInterface {
  readonly name?: string
  /** Ethernet by default. */
  readonly linkType?: number
  /** Longest captured packet, bytes; any by default. */
  readonly snaplen?: number
}

/** An interface. They are numbered from 0 on, in the order in which they are written; timestamps count nanoseconds. */
export function pcapngInterface({ name, linkType = LINKTYPE_ETHERNET, snaplen = 0 }: PcapngInterface): Uint8Array {
  const body = new Uint8Array(8)
  const view = new DataView(body.buffer)
  view.setUint16(0, linkType, true)
  view.setUint32(4, snaplen, true)
  const named: Option[] = name === undefined ? [] : [[OPTION.name, encode(name)]]
  return block(BLOCK.interface, body, [...named, [OPTION.resolution, Uint8Array.of(9)]])
}

/** Section header and interfaces. */
export function pcapngHeader(interfaces: readonly PcapngInterface[] = [{}], application = 'seawall'): Uint8Array {
  return concat(pcapngSection({ application }), ...interfaces.map(pcapngInterface))
}

export interface PcapngPacket {
  /** Nanoseconds since 1970. */
  readonly timestamp: bigint
  readonly bytes: Uint8Array
  /** Length on the wire in bytes; that of `bytes` by default. */
  readonly length?: number
  readonly comment?: string
  /** Number of the interface, 0 by default. */
  readonly interface?: number
  /** The packet came in there. */
  readonly inbound?: boolean
  /** Packets lost between the one before on this interface and this one. */
  readonly dropped?: number
  /** What an XDP program returned for it (linux/bpf.h, enum xdp_action). */
  readonly xdpAction?: number
}

const INBOUND = 1

/** Kind of a verdict: what an XDP program returned, 64 bits. */
const VERDICT_XDP = 2

/** One enhanced packet block. */
export function pcapngPacket(packet: PcapngPacket): Uint8Array {
  const { timestamp, bytes } = packet
  const header = new Uint8Array(20)
  const view = new DataView(header.buffer)
  view.setUint32(0, packet.interface ?? 0, true)
  setTime(view, 4, timestamp)
  view.setUint32(12, bytes.length, true)
  view.setUint32(16, packet.length ?? bytes.length, true)
  return block(BLOCK.enhanced, header, packetOptions(packet), bytes)
}

function packetOptions({ comment, inbound, dropped, xdpAction }: PcapngPacket): Option[] {
  const list: Option[] = commentOption(comment)
  if (inbound === true) list.push([OPTION.flags, Uint8Array.of(INBOUND, 0, 0, 0)])
  if (dropped !== undefined) list.push([OPTION.dropped, u64(dropped)])
  if (xdpAction !== undefined) list.push([OPTION.verdict, concat(Uint8Array.of(VERDICT_XDP), u64(xdpAction))])
  return list
}

export interface PcapngStatistics {
  readonly interface: number
  /** Nanoseconds since 1970. */
  readonly start: bigint
  readonly end: bigint
  /** Packets that matched, written or not. */
  readonly accepted: number
  /** Packets that matched, and found no room on their way here. */
  readonly dropped: number
  /** Packets written. */
  readonly delivered: number
}

/** What there is to say of an interface at the end of a capture. */
export function pcapngStatistics(statistics: PcapngStatistics): Uint8Array {
  const { start, end, accepted, dropped, delivered } = statistics
  const body = new Uint8Array(12)
  const view = new DataView(body.buffer)
  view.setUint32(0, statistics.interface, true)
  setTime(view, 4, end)
  return block(BLOCK.statistics, body, [
    [OPTION.startTime, time(start)],
    [OPTION.endTime, time(end)],
    [OPTION.lost, u64(dropped)],
    [OPTION.accepted, u64(accepted)],
    [OPTION.delivered, u64(delivered)],
  ])
}

/** A whole file. */
export function writePcapng(packets: readonly PcapngPacket[], interfaces?: readonly PcapngInterface[]): Uint8Array {
  return concat(pcapngHeader(interfaces), ...packets.map(pcapngPacket))
}

/** Bytes of the whole blocks among the first `length` of some blocks: what a reader can make use of. */
export function wholePcapngBlocks(blocks: Uint8Array, length: number): number {
  const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.byteLength)
  let at = 0
  while (at + 8 <= length) {
    const size = view.getUint32(at + 4, true)
    if (at + size > length) break
    at += size
  }
  return at
}

type Option = readonly [code: number, value: Uint8Array]

function commentOption(comment: string | undefined): Option[] {
  return comment === undefined ? [] : [[OPTION.comment, encode(comment)]]
}

/** Type and length, what every block of the type has, a packet, options with an end to them, and the length again. */
function block(type: number, fixed: Uint8Array, options: readonly Option[], packet: Uint8Array = NOTHING): Uint8Array {
  const optionBytes = options.reduce((sum, [, value]) => sum + 4 + padded(value.length), options.length === 0 ? 0 : 4)
  const bytes = new Uint8Array(12 + fixed.length + padded(packet.length) + optionBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, type, true)
  view.setUint32(4, bytes.length, true)
  bytes.set(fixed, 8)
  bytes.set(packet, 8 + fixed.length)
  let at = 8 + fixed.length + padded(packet.length)
  for (const [code, value] of options) {
    view.setUint16(at, code, true)
    view.setUint16(at + 2, value.length, true)
    bytes.set(value, at + 4)
    at += 4 + padded(value.length)
  }
  view.setUint32(bytes.length - 4, bytes.length, true)
  return bytes
}

const NOTHING = new Uint8Array(0)

/** Everything begins at a multiple of four bytes. */
const padded = (length: number): number => (length + 3) & ~3

/** Times are two words, the higher one first. */
function setTime(view: DataView, at: number, nanoseconds: bigint): void {
  view.setUint32(at, Number(nanoseconds >> 32n), true)
  view.setUint32(at + 4, Number(nanoseconds & 0xffffffffn), true)
}

function time(nanoseconds: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  setTime(new DataView(bytes.buffer), 0, nanoseconds)
  return bytes
}

function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true)
  return bytes
}

const encoder = new TextEncoder()

const encode = (text: string): Uint8Array => encoder.encode(text)
