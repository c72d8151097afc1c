import { PrefixSet } from '../../src/rules/sets/index.ts'

/** Numbers of 32 bits that look random, the same in every run. */
export function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x9e37_79b9) | 0
    let x = Math.imul(state ^ (state >>> 16), 0x21f0_aaad)
    x = Math.imul(x ^ (x >>> 15), 0x735a_2d97)
    return (x ^ (x >>> 15)) >>> 0
  }
}

/** A set of one family, and addresses in it: one for each 32-bit number. */
export interface Contents {
  readonly family: 4 | 6
  readonly set: PrefixSet
  /** Words of an address of some element. */
  member(random: () => number): number[]
}

/** `count` random IPv4 hosts: a blocklist. */
export function hosts4(count: number): Contents {
  const next = numbers(1)
  return columns(4, Uint32Array.from({ length: count }, next), new Uint8Array(count).fill(32))
}

/** Of 100 prefixes of a routing table: mostly /24, some shorter; and a few longer ones, as in lists of abusers. */
const LENGTHS_4 = [
  [24, 56],
  [23, 9],
  [22, 10],
  [21, 4],
  [20, 5],
  [19, 3],
  [18, 2],
  [17, 1],
  [16, 2], // prettier
  [25, 1],
  [26, 1],
  [28, 1],
  [29, 1],
  [30, 1],
  [32, 3],
] as const

/** `count` IPv4 prefixes of realistic lengths: tags of countries or networks. */
export function prefixes4(count: number): Contents {
  const next = numbers(2)
  const lengths = Uint8Array.from({ length: count }, () => pick(LENGTHS_4, next()))
  const values = Uint32Array.from(lengths, (length) => next() & (0xffff_ffff << (32 - length)))
  return columns(4, values, lengths)
}

const LENGTHS_6 = [
  [32, 10],
  [36, 4],
  [40, 6],
  [44, 6],
  [48, 34],
  [56, 10],
  [64, 20],
  [128, 10],
] as const

/** `count` IPv6 prefixes below 30,000 networks of /32, as many as are announced. */
export function prefixes6(count: number): Contents {
  const next = numbers(3)
  const networks = Uint32Array.from({ length: 30_000 }, () => (0x2000_0000 | (next() & 0x0fff_ffff)) >>> 0)
  const lengths = Uint8Array.from({ length: count }, () => pick(LENGTHS_6, next()))
  const values = new Uint32Array(count * 4)
  for (let i = 0; i < count; i++) {
    values[i * 4] = networks[next() % networks.length]!
    for (let word = 1; word < 4; word++) values[i * 4 + word] = next() & mask(lengths[i]! - 32 * word)
  }
  return columns(6, values, lengths)
}

function mask(bits: number): number {
  if (bits <= 0) return 0
  return bits >= 32 ? 0xffff_ffff : 0xffff_ffff << (32 - bits)
}

function pick(shares: readonly (readonly [length: number, share: number])[], random: number): number {
  let rest = random % 100
  for (const [length, share] of shares) if ((rest -= share) < 0) return length
  return shares[0]![0]
}

function columns(family: 4 | 6, values: Uint32Array, lengths: Uint8Array): Contents {
  const set = new PrefixSet()
  set.addColumns(family, values, lengths, lengths.length)
  const words = family === 4 ? 1 : 4
  const member = (random: () => number): number[] => {
    const place = random() % lengths.length
    const free = (word: number) => ~mask(lengths[place]! - 32 * word) & random()
    return Array.from({ length: words }, (_, word) => (values[place * words + word]! | free(word)) >>> 0)
  }
  return { family, set, member }
}
