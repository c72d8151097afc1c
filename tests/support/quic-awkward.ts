import fc from 'fast-check'
import { connectionIdOf, type QuicPlace } from '../../src/dispatch/connection-id.ts'
import { SipHash } from '../../src/net/siphash.ts'
import { longHeader, shortHeader } from './quic-datagrams.ts'

type Change = (datagram: Buffer) => Buffer

const octets = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((all) => Buffer.from(all))

/** An id of one of some sockets, as their server makes it. */
const idOf = (places: readonly QuicPlace[]) =>
  fc
    .tuple(fc.constantFrom(...places), fc.nat(0xffff), octets(4, 10))
    .map(([place, serverId, nonce]) =>
      Buffer.from(connectionIdOf(new SipHash(Buffer.from(place.key, 'hex'), 2, 4), place, serverId, nonce)),
    )

/** In all packets that can have one, whoever has chosen it. Most have a short header. */
const carriers = fc.constantFrom<(id: Buffer) => Buffer>(
  ...Array.from({ length: 4 }, () => shortHeader),
  (id) => longHeader(id, 'handshake', 1),
  (id) => longHeader(id, 'handshake', 2),
  (id) => longHeader(id, 'initial', 1),
  (id) => longHeader(id, 'initial', 2),
  (id) => longHeader(id, 'zeroRtt', 1),
  (id) => longHeader(id, 'zeroRtt', 2),
  (id) => withOctet(longHeader(id), 4, 9),
)

const intact: Change = (datagram) => datagram

/** A bit that is not what it was, in the header or in the id. */
const flip = fc.tuple(fc.nat(25), fc.nat(7)).map(
  ([at, bit]): Change =>
    (datagram) =>
      withOctet(datagram, at, datagram[at]! ^ (1 << bit)),
)

const cut = fc.nat(27).map(
  (length): Change =>
    (datagram) =>
      datagram.subarray(0, length),
)

/** An id that is longer than it says, and one whose header says another length. */
const lengthen = fc.tuple(fc.integer({ min: 7, max: 16 }), octets(1, 235)).map(
  ([at, more]): Change =>
    (datagram) =>
      Buffer.concat([datagram.subarray(0, at), more, datagram.subarray(at)]),
)
const mislead = fc.nat(255).map(
  (length): Change =>
    (datagram) =>
      withOctet(datagram, 5, length),
)

function withOctet(datagram: Buffer, at: number, value: number): Buffer {
  const changed = Buffer.from(datagram)
  changed[at] = value
  return changed
}

/** Datagrams of clients that mean well and of others that do not, with ids of some sockets. Most ids are good. */
export const quicDatagrams = (places: readonly QuicPlace[]): fc.Arbitrary<Buffer> =>
  fc.oneof(
    { weight: 16, arbitrary: changed(places, fc.constant(intact)) },
    { weight: 4, arbitrary: changed(places, fc.oneof(flip, cut, lengthen, mislead)) },
    { weight: 1, arbitrary: octets(0, 40) },
    { weight: 1, arbitrary: octets(20, 40).map((all) => withOctet(all, 0, 0x40)) },
  )

const changed = (places: readonly QuicPlace[], change: fc.Arbitrary<Change>): fc.Arbitrary<Buffer> =>
  fc.tuple(idOf(places), carriers, change).map(([id, carry, work]) => work(carry(id)))
