/**
 * SipHash (Aumasson and Bernstein 2012): a keyed hash for short inputs. Words of 64 bits are two numbers here, as this is looked up for
 * every connection of a machine.
 */
export class SipHash {
  readonly #key: Int32Array
  readonly #rounds: number
  readonly #finalRounds: number
  /** v0 to v3, the low half of each before its high half. */
  readonly #state = new Int32Array(8)

  /**
   * @param key 16 bytes.
   * @param rounds for each word, and at the end: 1 and 3 are SipHash-1-3.
   */
  constructor(key: Uint8Array, rounds = 1, finalRounds = 3) {
    const view = new DataView(key.buffer, key.byteOffset, key.byteLength)
    this.#key = Int32Array.from([0, 4, 8, 12], (at) => view.getInt32(at, true))
    this.#rounds = rounds
    this.#finalRounds = finalRounds
  }

  /** Low 32 bits of the last hash. */
  get low(): number {
    const v = this.#state
    return (v[0]! ^ v[2]! ^ v[4]! ^ v[6]!) >>> 0
  }

  /** High 32 bits of the last hash. */
  get high(): number {
    const v = this.#state
    return (v[1]! ^ v[3]! ^ v[5]! ^ v[7]!) >>> 0
  }

  /** Hashes a message; {@link low} and {@link high} are what comes out. */
  hash(message: Uint8Array): this {
    const { length } = message
    this.#begin()
    let at = 0
    for (; at + 8 <= length; at += 8) this.#add(wordAt(message, at), wordAt(message, at + 4))
    // The last word has the bytes that are left, and in its highest byte the number of all.
    if (at + 4 > length) this.#add(restAt(message, at), length << 24)
    else this.#add(wordAt(message, at), restAt(message, at + 4) | (length << 24))
    this.#state[4]! ^= 0xff
    for (let round = 0; round < this.#finalRounds; round++) sipRound(this.#state)
    return this
  }

  #begin(): void {
    const v = this.#state
    const key = this.#key
    for (let at = 0; at < 8; at++) v[at] = CONSTANTS[at]! ^ key[at & 3]!
  }

  #add(low: number, high: number): void {
    const v = this.#state
    v[6]! ^= low
    v[7]! ^= high
    for (let round = 0; round < this.#rounds; round++) sipRound(v)
    v[0]! ^= low
    v[1]! ^= high
  }
}

/** "somepseudorandomlygeneratedbytes", eight to a word. */
const CONSTANTS = Int32Array.of(
  0x70736575,
  0x736f6d65,
  0x6e646f6d,
  0x646f7261,
  0x6e657261,
  0x6c796765,
  0x79746573,
  0x74656462,
)

/** Four bytes, little endian. */
function wordAt(message: Uint8Array, at: number): number {
  return message[at]! | (message[at + 1]! << 8) | (message[at + 2]! << 16) | (message[at + 3]! << 24)
}

/** The bytes from there to the end, fewer than four. */
function restAt(message: Uint8Array, at: number): number {
  let word = 0
  for (let index = message.length - 1; index >= at; index--) word = (word << 8) | message[index]!
  return word
}

const carry = (sum: number, part: number): number => (sum >>> 0 < part >>> 0 ? 1 : 0)

function sipRound(v: Int32Array): void {
  let l0 = v[0]!
  let h0 = v[1]!
  let l1 = v[2]!
  let h1 = v[3]!
  let l2 = v[4]!
  let h2 = v[5]!
  let l3 = v[6]!
  let h3 = v[7]!
  let low: number
  // v0 += v1; v1 = v1 <<< 13 ^ v0; v0 <<<= 32
  l0 = (l0 + l1) | 0
  h0 = (h0 + h1 + carry(l0, l1)) | 0
  low = (l1 << 13) | (h1 >>> 19)
  h1 = ((h1 << 13) | (l1 >>> 19)) ^ h0
  l1 = low ^ l0
  low = h0
  h0 = l0
  l0 = low
  // v2 += v3; v3 = v3 <<< 16 ^ v2
  l2 = (l2 + l3) | 0
  h2 = (h2 + h3 + carry(l2, l3)) | 0
  low = (l3 << 16) | (h3 >>> 16)
  h3 = ((h3 << 16) | (l3 >>> 16)) ^ h2
  l3 = low ^ l2
  // v0 += v3; v3 = v3 <<< 21 ^ v0
  l0 = (l0 + l3) | 0
  h0 = (h0 + h3 + carry(l0, l3)) | 0
  low = (l3 << 21) | (h3 >>> 11)
  v[7] = ((h3 << 21) | (l3 >>> 11)) ^ h0
  v[6] = low ^ l0
  // v2 += v1; v1 = v1 <<< 17 ^ v2; v2 <<<= 32
  l2 = (l2 + l1) | 0
  h2 = (h2 + h1 + carry(l2, l1)) | 0
  low = (l1 << 17) | (h1 >>> 15)
  v[3] = ((h1 << 17) | (l1 >>> 15)) ^ h2
  v[2] = low ^ l2
  v[0] = l0
  v[1] = h0
  v[4] = h2
  v[5] = l2
}
