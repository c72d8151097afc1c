import type { PacketCopy } from '../../firewall/index.ts'
import { formatAddress } from '../../net/address.ts'
import { type Dissection, dissect } from '../../net/dissect.ts'
import { formatPrefix, prefixOf } from '../../net/prefix.ts'
import { addressesOf } from '../packets/summary.ts'
import { wholePacket } from '../packets/whole-packet.ts'

/** What packets can be told apart by, in the order in which it is shown. */
export const KEYS = ['source', 'destination', 'port', 'size', 'ttl'] as const
export type Key = (typeof KEYS)[number]

/** Bits of the prefixes that sources are summed up by. */
const SOURCE_BITS = { 4: 24, 6: 48 } as const

/** The value of each key that a packet has. */
export function keysOf({ bytes, length }: PacketCopy): Partial<Record<Key, string>> {
  const packet = dissect(wholePacket(bytes, length))
  const addresses = addressesOf(packet)
  const size = sizeOf(length)
  if (addresses === undefined) return { size }
  const { src, dst } = addresses
  const port = portOf(packet)
  return {
    source: formatPrefix(prefixOf(src, SOURCE_BITS[src.family])),
    destination: formatAddress(dst),
    ...(port === undefined ? {} : { port }),
    size,
    ttl: String(packet.bytes[packet.l3 + (packet.ipVersion === 4 ? 8 : 7)]),
  }
}

/** `udp/53`, the port that it is for; undefined if it has none, or a later fragment hides it. */
function portOf({ upper, view, l4 }: Dissection): string | undefined {
  return upper === 'tcp' || upper === 'udp' ? `${upper}/${view.getUint16(l4 + 2)}` : undefined
}

const SMALLEST = 64
const LARGEST = 2048

/** The power of two that a length lies above: `64-127`. */
function sizeOf(length: number): string {
  if (length < SMALLEST) return `0-${SMALLEST - 1}`
  if (length >= LARGEST) return `${LARGEST}-`
  const from = 2 ** Math.floor(Math.log2(length))
  return `${from}-${2 * from - 1}`
}
