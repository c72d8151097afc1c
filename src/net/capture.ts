import { NetError } from './errors.ts'

/** One captured frame. */
export interface CapturedPacket {
  /** Nanoseconds since 1970; 0 if the file does not say. */
  readonly timestamp: bigint
  /** Captured bytes. */
  readonly bytes: Uint8Array
  /** Length on the wire in bytes; more than the captured bytes if the frame was cut. */
  readonly length: number
  /** Link type, such as {@link LINKTYPE_ETHERNET}. */
  readonly linkType: number
  /** Comment of a pcapng packet. */
  readonly comment?: string
}

export const LINKTYPE_ETHERNET = 1

/** Bytes of the longest frame taken seriously: what tcpdump and Wireshark take. */
export const MAX_CAPTURED = 262_144

/**
 * A packet's bytes, copied out of the file; they may not reach behind `end`.
 * @throws NetError NET_CAPTURE
 */
export function takeBytes(file: Uint8Array, at: number, captured: number, end = file.length): Uint8Array {
  if (captured > MAX_CAPTURED) failCapture(`packet has ${captured} bytes, wanted at most ${MAX_CAPTURED}`, at)
  if (end - at < captured) failCapture(`packet is cut: ${end - at} bytes are there, wanted ${captured}`, at)
  return file.slice(at, at + captured)
}

/** @throws NetError NET_CAPTURE */
export function failCapture(what: string, offset: number): never {
  throw new NetError('NET_CAPTURE', `Cannot read capture: ${what}, at offset ${offset}`)
}
