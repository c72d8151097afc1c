/** A table of buckets of {@link BUCKET_SLOTS} slots. */
export interface TableGeometry {
  /** Bytes from the beginning of the set's memory, a multiple of 64. */
  readonly offset: number
  /** log2 of the number of buckets. */
  readonly logBuckets: number
  /** Elements that updates in place may fill it to. */
  readonly capacity: number
}

/**
 * Where everything of a set lies in its memory, and the secrets of its hashes: all that the lookup's bytecode depends on.
 * A plain object of numbers, so that it can be kept as JSON beside the pinned map. See docs/sets.md.
 */
export interface SetGeometry {
  readonly version: typeof LAYOUT_VERSION
  /** Size of the memory: `value_size` of the one-element array map. */
  readonly bytes: number
  /** Two bits for each block of 2^(32 - bits) IPv4 addresses. */
  readonly guide4: { readonly offset: number; readonly bits: number }
  /** IPv4 prefixes longer than `guide4.bits`, 4 bytes a slot. */
  readonly table4: TableGeometry
  /** Two bits for each value of the first 16 bits of an IPv6 address. */
  readonly guide6: { readonly offset: number }
  /** 2^log lists of prefix lengths, chosen by the first 32 bits of an IPv6 address, and before them 8 bits for each list. */
  readonly cells6: { readonly filter: number; readonly offset: number; readonly log: number }
  /** IPv6 prefixes of 17 to 64 bits, 8 bytes a slot. */
  readonly narrow6: TableGeometry
  /** IPv6 prefixes of 65 to 128 bits, 16 bytes a slot. */
  readonly wide6: TableGeometry
  /** 64-bit words in use of the header's list of IPv6 lengths; the verifier's work grows with it. */
  readonly lengthWords: number
  readonly secret: HashSecret
}

/** Odd multipliers; unsigned. The 64-bit ones are [low, high] halves. */
export interface HashSecret {
  readonly short: readonly [number, number]
  readonly long: readonly [Half, Half, Half]
}
export type Half = readonly [low: number, high: number]

export const LAYOUT_VERSION = 1
export const BUCKET_SLOTS = 8

/** Offsets in the header. */
export const Header = {
  /** u32: bit s set if the table holds IPv4 prefixes of 32 - s bits. */
  lengths4: 0,
  /** u32 each: elements of the tables. */
  count4: 4,
  countNarrow6: 8,
  countWide6: 12,
  /** u8 each, zero at the end: every IPv6 prefix length above 16 of the tables. */
  lengths6: 64,
  size: 192,
} as const

/** 64-bit words of the header's list of IPv6 lengths, if it were to hold all from 17 to 128. */
export const LENGTH_WORDS = 14

/** IPv6 prefixes up to this length are in the guide alone. */
export const GUIDE6_BITS = 16

/** Longest IPv6 prefix of the narrow table. */
export const NARROW6_BITS = 64

/** State of a block in a guide. */
export const Block = { none: 0, whole: 1, look: 2 } as const

/** Cell whose list of lengths has run over: look through the header's list. */
export const ALL_LENGTHS = 0xffff_ffff_ffff_ffffn

/** Lowest bits of a slot's first word. The topmost bit of 64-bit words is zero. */
export const Slot = {
  taken: 1,
  /** Lies in its second bucket. */
  second: 2,
  /** Prefix as long as the word can hold, without the end marker. */
  full: 4,
  /** Topmost bit of what would be the second word, of 16-byte slots. */
  restTop: 8,
  empty: 0,
  /** Was deleted; a search goes on. */
  grave: 2,
} as const

export const slotBytes = { table4: 4, narrow6: 8, wide6: 16 } as const
export type TableName = keyof typeof slotBytes
