/** The balancer's hashes, written down a second time. */
import { addressBytes, parseAddress } from '../../src/net/address.ts'

export interface FlowKey {
  readonly src: string
  readonly dst: string
  readonly srcport: number
  readonly dstport: number
  readonly protocol: number
}

const WORD = (1n << 64n) - 1n
const rotate = (word: bigint, bits: bigint): bigint => ((word << bits) | (word >> (64n - bits))) & WORD

/** SipHash-1-3 of some bytes. */
export function sipHash13(message: Uint8Array, [key0, key1]: readonly [bigint, bigint]): bigint {
  const v = [
    key0 ^ 0x736f6d6570736575n,
    key1 ^ 0x646f72616e646f6dn,
    key0 ^ 0x6c7967656e657261n,
    key1 ^ 0x7465646279746573n,
  ] as [bigint, bigint, bigint, bigint]
  const padded = new Uint8Array((Math.floor(message.length / 8) + 1) * 8)
  padded.set(message)
  padded[padded.length - 1] = message.length
  const view = new DataView(padded.buffer)
  for (let at = 0; at < padded.length; at += 8) {
    const word = view.getBigUint64(at, true)
    v[3] ^= word
    round(v)
    v[0] ^= word
  }
  v[2] ^= 0xffn
  for (let i = 0; i < 3; i++) round(v)
  return v[0] ^ v[1] ^ v[2] ^ v[3]
}

function round(v: [bigint, bigint, bigint, bigint]): void {
  v[0] = (v[0] + v[1]) & WORD
  v[1] = rotate(v[1], 13n) ^ v[0]
  v[0] = rotate(v[0], 32n)
  v[2] = (v[2] + v[3]) & WORD
  v[3] = rotate(v[3], 16n) ^ v[2]
  v[0] = (v[0] + v[3]) & WORD
  v[3] = rotate(v[3], 21n) ^ v[0]
  v[2] = (v[2] + v[1]) & WORD
  v[1] = rotate(v[1], 17n) ^ v[2]
  v[2] = rotate(v[2], 32n)
}

/** Source, destination, both ports and the protocol, one behind the other. */
export function hashFlow({ src, dst, srcport, dstport, protocol }: FlowKey, key: readonly [bigint, bigint]): bigint {
  const [from, to] = [addressBytes(parseAddress(src)), addressBytes(parseAddress(dst))]
  const ports = Uint8Array.of(srcport >> 8, srcport & 255, dstport >> 8, dstport & 255)
  return sipHash13(Uint8Array.of(...from, ...to, ...ports, protocol), key)
}

const GOLDEN = 0x9e3779b97f4a7c15n

/** The slot of `services` at which the search for a key begins. The address is masked, 4 or 16 bytes. */
export function firstSlot(address: Uint8Array, port: number, protocol: number, length: number, mask: number): number {
  const view = new DataView(Uint8Array.from(address).buffer)
  const tail = BigInt(port >> 8) | (BigInt(port & 255) << 8n) | (BigInt(protocol) << 16n) | (BigInt(length) << 24n)
  const scramble = (word: bigint): bigint => {
    const product = (word * GOLDEN) & WORD
    return product ^ (product >> 32n)
  }
  const folded =
    address.length === 4
      ? BigInt(view.getUint32(0, true))
      : scramble(scramble(view.getBigUint64(0, true)) ^ view.getBigUint64(8, true)) & 0xffffffffn
  const word = ((folded | (tail << 32n)) * GOLDEN) & WORD
  return Number(((word >> 32n) ^ (word >> 48n)) & BigInt(mask))
}
