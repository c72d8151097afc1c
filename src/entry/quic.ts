import { randomBytes } from 'node:crypto'
import { SeawallError } from './errors.ts'

/** Octets of a server id, of the shortest nonce, and of the longest connection id (RFC 9000, 17.2). */
const SERVER_ID = 2
const SHORTEST_NONCE = 4
const LONGEST = 20

const DEFAULT_NONCE = 8

/** The rotation bits of ids that the balancer reads. */
const ROTATION = 0

export interface ConnectionIdOptions {
  /** As the configuration has it for this machine, or as `seawall backends --json` shows it: 0 to 65,535. */
  readonly serverId: number
  /** 4 to 17 octets that no other connection of this server has; 8 random ones if absent. */
  readonly nonce?: Uint8Array
}

/**
 * A connection id for a QUIC server to choose, by which the balancer finds the server again whatever becomes of the client's address
 * and of the tables: that of draft-ietf-quic-load-balancers-21, unencrypted. A first octet with 3 bits of rotation (0) and 5 of the length
 * of what follows, the server id (2 octets, big endian), and the nonce. Anybody can read the server id in it.
 *
 * @throws SeawallError SEAWALL_INPUT
 */
export function quicConnectionId({ serverId, nonce = randomBytes(DEFAULT_NONCE) }: ConnectionIdOptions): Uint8Array {
  if (!Number.isInteger(serverId) || serverId < 0 || serverId > 0xffff)
    throw new SeawallError('SEAWALL_INPUT', `Cannot make a connection id for server ${serverId}: wanted 0 to 65535`)
  const length = SERVER_ID + nonce.length
  if (nonce.length < SHORTEST_NONCE || length + 1 > LONGEST)
    throw new SeawallError(
      'SEAWALL_INPUT',
      `Cannot make a connection id with a nonce of ${nonce.length} octets: wanted ${SHORTEST_NONCE} to ${LONGEST - 1 - SERVER_ID}`,
    )
  return Uint8Array.of((ROTATION << 5) | length, serverId >> 8, serverId & 0xff, ...nonce)
}

/** The server id of a connection id; undefined if it is not one that {@link quicConnectionId} makes. */
export function serverIdIn(connectionId: Uint8Array): number | undefined {
  const [first = 0, high = 0, low = 0] = connectionId
  const isOurs = first >> 5 === ROTATION && (first & 0x1f) === connectionId.length - 1
  return isOurs && connectionId.length > SERVER_ID + SHORTEST_NONCE ? (high << 8) | low : undefined
}
