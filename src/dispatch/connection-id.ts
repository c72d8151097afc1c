import { randomBytes } from 'node:crypto'
import { SeawallError } from '../entry/errors.ts'
import { quicConnectionId } from '../entry/quic.ts'
import { SipHash } from '../net/siphash.ts'

/** What the connection ids of a registered socket say, and the key that makes them good. Whoever has the key can make ids of the label. */
export interface QuicPlace {
  /** 16 bytes of the label, hexadecimal. */
  readonly key: string
  /** Number of the generation, 32 bits. */
  readonly generation: number
  /** Number of the destination, 16 bits. */
  readonly destination: number
  /** Of the generation among all that the kernel knows, 16 bits. */
  readonly slot: number
  /** Of the socket in the generation, 8 bits. */
  readonly place: number
}

export interface ConnectionIdsOptions {
  /** By which the balancer finds this machine, 0 to 65,535; 0 if absent. */
  readonly serverId?: number
  /** Random octets of each id: 4 to 10, and 8 if absent. */
  readonly nonceLength?: number
}

const NONCE = { shortest: 4, longest: 10, usual: 8 } as const

/** Octets before the tag, and of the tag. */
const HEAD = 6
const TAG = 4

/**
 * Makes connection ids for a QUIC server to choose, by which its clients reach the very socket, in whatever generation it is and wherever
 * they are. Of 14 to 20 octets: those of `quicConnectionId` of `seawall/balancer`, whose nonce is here the slot (2 octets, big endian), the
 * place (1), the tag (4) and random octets. The tag is the first 4 octets of SipHash-2-4 over the generation (4 octets, big endian), the
 * destination (2) and all octets of the id but the tag.
 *
 * @throws SeawallError SEAWALL_INPUT
 */
export function quicConnectionIds(place: QuicPlace, options: ConnectionIdsOptions = {}): () => Uint8Array {
  const { serverId = 0, nonceLength = NONCE.usual } = options
  if (!Number.isInteger(nonceLength) || nonceLength < NONCE.shortest || nonceLength > NONCE.longest)
    throw new SeawallError(
      'SEAWALL_INPUT',
      `Cannot make connection ids with ${nonceLength} random octets: wanted ${NONCE.shortest} to ${NONCE.longest}`,
    )
  const hash = new SipHash(keyOf(place), 2, 4)
  return () => connectionIdOf(hash, place, serverId, randomBytes(nonceLength))
}

/** The id that has a nonce. */
export function connectionIdOf(hash: SipHash, place: QuicPlace, serverId: number, nonce: Uint8Array): Uint8Array {
  const { generation, destination, slot } = place
  const named = Buffer.alloc(3 + TAG + nonce.length)
  named.writeUInt16BE(slot)
  named.writeUInt8(place.place, 2)
  named.set(nonce, 3 + TAG)
  const id = quicConnectionId({ serverId, nonce: named })
  const message = Buffer.alloc(6 + id.length - TAG)
  message.writeUInt32BE(generation)
  message.writeUInt16BE(destination, 4)
  message.set(id.subarray(0, HEAD), 6)
  message.set(nonce, 6 + HEAD)
  new DataView(id.buffer).setUint32(HEAD, hash.hash(message).low, true)
  return id
}

function keyOf({ key }: QuicPlace): Uint8Array {
  if (/^[\da-f]{32}$/.test(key)) return Buffer.from(key, 'hex')
  throw new SeawallError(
    'SEAWALL_INPUT',
    `Cannot make connection ids with a key of ${key.length} characters: wanted 32 hexadecimal digits, as registering a socket tells them`,
  )
}
