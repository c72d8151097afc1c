import type { Prefix } from '../../net/prefix.ts'

/** 32-bit words of an address, most significant first: one for IPv4, four for IPv6. */
export type WordCount = 1 | 4

export const wordsOfFamily = { 4: 1, 6: 4 } as const

/** Writes the words of an address of 32 or 128 bits. */
export function writeWords(value: bigint, words: WordCount, into: Uint32Array): void {
  if (words === 1) into[0] = Number(value)
  else for (let i = 0; i < 4; i++) into[i] = Number((value >> BigInt(96 - 32 * i)) & 0xffff_ffffn)
}

/** The address whose words begin at `offset`. */
export function readWords(from: Uint32Array, words: WordCount, offset: number): bigint {
  let value = 0n
  for (let i = 0; i < words; i++) value = (value << 32n) | BigInt(from[offset + i]!)
  return value
}

/** Copies the first `length` bits of `key`, the rest zero. */
export function maskWords(key: Uint32Array, words: WordCount, length: number, into: Uint32Array): void {
  for (let i = 0; i < words; i++) into[i] = key[i]! & wordMask(length - 32 * i)
}

function wordMask(bits: number): number {
  if (bits <= 0) return 0
  return bits >= 32 ? 0xffff_ffff : ~(0xffff_ffff >>> bits)
}

/** Words of a prefix's first address, in a new array. */
export function prefixWords(prefix: Prefix): Uint32Array {
  const words = wordsOfFamily[prefix.family]
  const key = new Uint32Array(words)
  writeWords(prefix.value, words, key)
  return key
}
