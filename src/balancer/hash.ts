import { type Address, addressBytes } from '../net/address.ts'

/** What packets of one connection have in common, as the client sends them. */
export interface Flow {
  readonly source: Address
  readonly destination: Address
  readonly sourcePort: number
  readonly destinationPort: number
  /** Of IP, such as 6 for TCP. */
  readonly protocol: number
}

const MASK64 = (1n << 64n) - 1n

/**
 * SipHash-1-3 (Aumasson and Bernstein 2012) of source, destination, ports (network byte order) and protocol, as hash_flow() of
 * bpf/include/flow.h.
 *
 * @param key 16 bytes.
 */
export function hashFlow(
  { source, destination, sourcePort, destinationPort, protocol }: Flow,
  key: Uint8Array,
): bigint {
  const ports = [sourcePort >> 8, sourcePort & 255, destinationPort >> 8, destinationPort & 255]
  return sipHash13(Uint8Array.of(...addressBytes(source), ...addressBytes(destination), ...ports, protocol), key)
}

/** SipHash-1-3 of bytes. */
export function sipHash13(message: Uint8Array, key: Uint8Array): bigint {
  const keys = new DataView(key.buffer, key.byteOffset)
  const [k0, k1] = [keys.getBigUint64(0, true), keys.getBigUint64(8, true)]
  const state = new SipState(k0, k1)
  const padded = new Uint8Array(Math.ceil((message.length + 1) / 8) * 8)
  padded.set(message)
  padded[padded.length - 1] = message.length
  const words = new DataView(padded.buffer)
  for (let at = 0; at < padded.length; at += 8) state.add(words.getBigUint64(at, true))
  return state.end()
}

class SipState {
  #v0: bigint
  #v1: bigint
  #v2: bigint
  #v3: bigint

  constructor(k0: bigint, k1: bigint) {
    this.#v0 = k0 ^ 0x736f6d6570736575n
    this.#v1 = k1 ^ 0x646f72616e646f6dn
    this.#v2 = k0 ^ 0x6c7967656e657261n
    this.#v3 = k1 ^ 0x7465646279746573n
  }

  add(word: bigint): void {
    this.#v3 ^= word
    this.#round()
    this.#v0 ^= word
  }

  end(): bigint {
    this.#v2 ^= 0xffn
    for (let round = 0; round < 3; round++) this.#round()
    return this.#v0 ^ this.#v1 ^ this.#v2 ^ this.#v3
  }

  #round(): void {
    this.#v0 = (this.#v0 + this.#v1) & MASK64
    this.#v2 = (this.#v2 + this.#v3) & MASK64
    this.#v1 = rotate(this.#v1, 13n) ^ this.#v0
    this.#v3 = rotate(this.#v3, 16n) ^ this.#v2
    this.#v0 = rotate(this.#v0, 32n)
    this.#v2 = (this.#v2 + this.#v1) & MASK64
    this.#v0 = (this.#v0 + this.#v3) & MASK64
    this.#v1 = rotate(this.#v1, 17n) ^ this.#v2
    this.#v3 = rotate(this.#v3, 21n) ^ this.#v0
    this.#v2 = rotate(this.#v2, 32n)
  }
}

const rotate = (word: bigint, bits: bigint): bigint => ((word << bits) | (word >> (64n - bits))) & MASK64
