import { connectionIdOf, type QuicPlace } from '../../src/dispatch/connection-id.ts'
import type { QuicCounts } from '../../src/dispatch/index.ts'
import { SipHash } from '../../src/net/siphash.ts'
import { VERSIONS } from './quic-datagrams.ts'

/** Octets of ids of ours, and before the nonce. */
const SHORTEST = 14
const LONGEST = 20
const NONCE_AT = 10

/** Types of long headers whose id the server has chosen, in their first octet (RFC 9000, 17.2.4; RFC 9369, 3.2). */
const HANDSHAKES = new Map<number, number>([
  [VERSIONS[1], 0x20],
  [VERSIONS[2], 0x30],
])

export interface Group {
  readonly open: readonly QuicPlace[]
  readonly closed: readonly QuicPlace[]
}

/** What docs/dispatch.md has become of a datagram that comes to a group: what it counts as, and where its id leads. */
export function steered(group: Group, datagram: Buffer): { readonly count: keyof QuicCounts; readonly to?: QuicPlace } {
  const isLong = datagram.length > 0 && (datagram[0]! & 0x80) !== 0
  const at = isLong ? 6 : 1
  if (datagram.length < at) return { count: 'malformed' }
  if (isLong && HANDSHAKES.get(datagram.readUInt32BE(1)) !== (datagram[0]! & 0x30)) return { count: 'opening' }
  const rest = datagram.subarray(at)
  if (rest.length < SHORTEST) return { count: isLong ? 'malformed' : 'foreign' }
  const length = rest[0]! + 1
  if (length < SHORTEST || length > LONGEST || (isLong && datagram[5] !== length)) return { count: 'foreign' }
  if (rest.length < length) return { count: isLong ? 'malformed' : 'foreign' }
  const id = rest.subarray(0, length)
  const to = group.open.find((place) => names(place, id))
  if (to !== undefined) return { count: 'named', to }
  return { count: group.closed.some((place) => names(place, id)) ? 'closed' : 'forged' }
}

function names(place: QuicPlace, id: Buffer): boolean {
  if (id.readUInt16BE(3) !== place.slot || id[5] !== place.place) return false
  const hash = new SipHash(Buffer.from(place.key, 'hex'), 2, 4)
  return id.equals(connectionIdOf(hash, place, id.readUInt16BE(1), id.subarray(NONCE_AT)))
}
