/** Capture files of either kind: classic pcap (both byte orders, microseconds or nanoseconds) and pcapng. */
import { type CapturedPacket, failCapture, takeBytes } from './capture.ts'
import { PCAPNG_MAGIC, readPcapng } from './pcapng.ts'

/**
 * Reads all packets of a pcap or pcapng file.
 * @throws NetError NET_CAPTURE with the offset, if the file is of another kind, cut, or contradicts itself
 */
export function readCapture(file: Uint8Array): CapturedPacket[] {
  if (file.length < 4) failCapture(`file has ${file.length} bytes, wanted a header`, 0)
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  if (view.getUint32(0) === PCAPNG_MAGIC) return readPcapng(file)
  for (const [magic, unit] of magics) {
    if (view.getUint32(0) === magic) return readPcap(file, view, false, unit)
    if (view.getUint32(0, true) === magic) return readPcap(file, view, true, unit)
  }
  return failCapture(`file begins with 0x${view.getUint32(0).toString(16).padStart(8, '0')}, wanted pcap or pcapng`, 0)
}

/** Magic numbers of pcap, and nanoseconds in a unit of their timestamps. */
const magics = [
  [0xa1b2c3d4, 1000n],
  [0xa1b23c4d, 1n],
] as const

/** Bytes of a file's header, and of each packet's. */
const FILE_HEADER = 24
const PACKET_HEADER = 16

function readPcap(file: Uint8Array, view: DataView, little: boolean, unit: bigint): CapturedPacket[] {
  if (file.length < FILE_HEADER) failCapture(`header is cut after ${file.length} bytes, wanted ${FILE_HEADER}`, 0)
  const version = view.getUint16(4, little)
  if (version !== 2) failCapture(`pcap version is ${version}, wanted 2`, 4)
  const linkType = view.getUint32(20, little) & 0xffff
  const packets: CapturedPacket[] = []
  let at = FILE_HEADER
  while (at < file.length) {
    if (file.length - at < PACKET_HEADER) failCapture(`packet header is cut after ${file.length - at} bytes`, at)
    const bytes = takeBytes(file, at + PACKET_HEADER, view.getUint32(at + 8, little))
    const timestamp =
      BigInt(view.getUint32(at, little)) * 1_000_000_000n + BigInt(view.getUint32(at + 4, little)) * unit
    packets.push({ timestamp, bytes, length: view.getUint32(at + 12, little), linkType })
    at += PACKET_HEADER + bytes.length
  }
  return packets
}

/** A whole classic pcap file with nanosecond timestamps, little endian. All packets have the first one's link type. */
export function writePcap(packets: readonly CapturedPacket[]): Uint8Array {
  const size = packets.reduce((sum, { bytes }) => sum + PACKET_HEADER + bytes.length, FILE_HEADER)
  const file = new Uint8Array(size)
  const view = new DataView(file.buffer)
  view.setUint32(0, 0xa1b23c4d, true)
  view.setUint16(4, 2, true)
  view.setUint16(6, 4, true)
  view.setUint32(16, 262_144, true)
  view.setUint32(20, packets[0]?.linkType ?? 1, true)
  let at = FILE_HEADER
  for (const { timestamp, bytes, length } of packets) {
    view.setUint32(at, Number(timestamp / 1_000_000_000n), true)
    view.setUint32(at + 4, Number(timestamp % 1_000_000_000n), true)
    view.setUint32(at + 8, bytes.length, true)
    view.setUint32(at + 12, length, true)
    file.set(bytes, at + PACKET_HEADER)
    at += PACKET_HEADER + bytes.length
  }
  return file
}
