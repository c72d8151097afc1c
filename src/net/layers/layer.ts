import { set16 } from '../bytes.ts'
import { checksum, pseudoHeaderSum } from '../checksum.ts'

/** What an upper layer needs of the IP header below it. */
export interface PseudoHeader {
  readonly src: Uint8Array
  readonly dst: Uint8Array
}

/** One layer of a packet, outermost first in `buildPacket`. */
export interface Layer {
  /** EtherType that the layer below should announce. */
  readonly etherType?: number
  /** IP protocol number that the layer below should announce. */
  readonly protocol?: number
  readonly pseudoHeader?: PseudoHeader
  /** The layer and all above it. `next` is the layer above, if any; `pseudo` belongs to the nearest IP layer below. */
  write(payload: Uint8Array, next: Layer | undefined, pseudo: PseudoHeader | undefined): Uint8Array
}

/** Writes the checksum of header and payload at an offset of the header, or the one that was asked for. */
export function withChecksum(
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

/** Rounded up to a multiple of 4. */
export const pad4 = (length: number): number => (length + 3) & ~3
