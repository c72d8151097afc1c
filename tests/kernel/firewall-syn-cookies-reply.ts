import { checksum, pseudoHeaderSum } from '../../src/net/checksum.ts'
import type { Family } from './firewall-syn-cookies-world.ts'

const ETHERNET = 14
const TIMESTAMP = 8
/** The part of a timestamp that says something about options. */
const COOKIE_BITS = 63

/** A SYN-ACK, without what tells one moment from another. */
export interface SynAck {
  readonly cookie: number
  readonly ack: number
  /** Reserved bits and flags. */
  readonly flags: number
  readonly window: number
  /** As they are on the wire, but of the timestamp's value only what {@link COOKIE_BITS} has. */
  readonly options: string
  readonly tos: number
  readonly ttl: number
  readonly hasValidChecksums: boolean
  /** Value of the timestamp, for the ACK. */
  readonly tsval: number | undefined
}

/** Whether a frame has a SYN-ACK to a port. */
export function isSynAck(frame: Uint8Array, family: Family, port: number): boolean {
  const at = ETHERNET + (family === 4 ? 20 : 40)
  const view = new DataView(frame.buffer)
  if (frame.length < at + 20 || view.getUint16(12) !== (family === 4 ? 0x0800 : 0x86dd)) return false
  return (frame[at + 13]! & 0x12) === 0x12 && view.getUint16(at + 2) === port
}

export function readSynAck(frame: Uint8Array, family: Family): SynAck {
  const view = new DataView(frame.buffer)
  const at = ETHERNET + (family === 4 ? 20 : 40)
  const length = (frame[at + 12]! >> 4) * 4
  const options = frame.slice(at + 20, at + length)
  const stamp = findTimestamp(options)
  const optionsView = new DataView(options.buffer)
  const tsval = stamp === undefined ? undefined : optionsView.getUint32(stamp + 2)
  if (stamp !== undefined) optionsView.setUint32(stamp + 2, tsval! & COOKIE_BITS)
  return {
    cookie: view.getUint32(at + 4),
    ack: view.getUint32(at + 8),
    flags: view.getUint16(at + 12) & 0xfff,
    window: view.getUint16(at + 14),
    options: Buffer.from(options).toString('hex'),
    tos: family === 4 ? frame[15]! : (view.getUint16(14) >> 4) & 255,
    ttl: frame[family === 4 ? 22 : 21]!,
    hasValidChecksums: areChecksumsValid(frame, family, at),
    tsval,
  }
}

function findTimestamp(options: Uint8Array): number | undefined {
  for (let at = 0; at < options.length && options[at] !== 0; at += options[at] === 1 ? 1 : options[at + 1]!)
    if (options[at] === TIMESTAMP) return at
  return undefined
}

/** The length of the frame counts too: nothing is behind the segment. */
function areChecksumsValid(frame: Uint8Array, family: Family, at: number): boolean {
  const segment = frame.subarray(at)
  const [from, size] = family === 4 ? [26, 4] : [22, 16]
  const [src, dst] = [frame.subarray(from, from + size), frame.subarray(from + size, from + 2 * size)]
  const isHeaderValid = family === 6 || checksum(frame.subarray(ETHERNET, at)) === 0
  return isHeaderValid && checksum(segment, pseudoHeaderSum(src, dst, 6, segment.length)) === 0
}
