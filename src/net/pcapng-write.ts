/** Writes pcapng block by block, so that a capture can be streamed: first {@link pcapngHeader}, then {@link pcapngPacket}s. */
import { concat } from './bytes.ts'
import { LINKTYPE_ETHERNET } from './capture.ts'
import { BLOCK, OPTION } from './pcapng.ts'

export interface PcapngInterface {
  readonly name?: string
  /** Ethernet by default. */
  readonly linkType?: number
}

/** Section header and interfaces; timestamps count nanoseconds. */
export function pcapngHeader(interfaces: readonly PcapngInterface[] = [{}], application = 'seawall'): Uint8Array {
  const section = new Uint8Array(16)
  const view = new DataView(section.buffer)
  view.setUint32(0, 0x1a2b3c4d, true)
  view.setUint16(4, 1, true)
  view.setBigInt64(8, -1n, true)
  const sectionOptions = options([OPTION.application, encode(application)])
  return concat(block(BLOCK.section, section, sectionOptions), ...interfaces.map(interfaceBlock))
}

function interfaceBlock({ name, linkType = LINKTYPE_ETHERNET }: PcapngInterface): Uint8Array {
  const body = new Uint8Array(8)
  new DataView(body.buffer).setUint16(0, linkType, true)
  const named: Option[] = name === undefined ? [] : [[OPTION.name, encode(name)]]
  return block(BLOCK.interface, body, options(...named, [OPTION.resolution, Uint8Array.of(9)]))
}

export interface PcapngPacket {
  /** Nanoseconds since 1970. */
  readonly timestamp: bigint
  readonly bytes: Uint8Array
  /** Length on the wire in bytes; that of `bytes` by default. */
  readonly length?: number
  readonly comment?: string
  /** Index of the interface, 0 by default. */
  readonly interface?: number
}

/** One enhanced packet block. */
export function pcapngPacket(packet: PcapngPacket): Uint8Array {
  const { timestamp, bytes, comment } = packet
  const header = new Uint8Array(20)
  const view = new DataView(header.buffer)
  view.setUint32(0, packet.interface ?? 0, true)
  view.setUint32(4, Number(timestamp >> 32n), true)
  view.setUint32(8, Number(timestamp & 0xffffffffn), true)
  view.setUint32(12, bytes.length, true)
  view.setUint32(16, packet.length ?? bytes.length, true)
  const tail = comment === undefined ? new Uint8Array(0) : options([OPTION.comment, encode(comment)])
  return block(BLOCK.enhanced, header, pad(bytes), tail)
}

/** A whole file. */
export function writePcapng(packets: readonly PcapngPacket[], interfaces?: readonly PcapngInterface[]): Uint8Array {
  return concat(pcapngHeader(interfaces), ...packets.map(pcapngPacket))
}

type Option = readonly [code: number, value: Uint8Array]

function options(...list: readonly Option[]): Uint8Array {
  const parts = list.map(([code, value]) => concat(optionHeader(code, value.length), pad(value)))
  return concat(...parts, optionHeader(OPTION.end, 0))
}

function optionHeader(code: number, length: number): Uint8Array {
  const header = new Uint8Array(4)
  const view = new DataView(header.buffer)
  view.setUint16(0, code, true)
  view.setUint16(2, length, true)
  return header
}

/** Type, length, bodies and the length again. */
function block(type: number, ...bodies: readonly Uint8Array[]): Uint8Array {
  const body = concat(...bodies)
  const bytes = new Uint8Array(12 + body.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, type, true)
  view.setUint32(4, bytes.length, true)
  view.setUint32(8 + body.length, bytes.length, true)
  bytes.set(body, 8)
  return bytes
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Zeros up to a multiple of four bytes. */
function pad(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array((bytes.length + 3) & ~3)
  padded.set(bytes)
  return padded
}
