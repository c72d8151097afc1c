import { onesSum } from '../../src/net/checksum.ts'

/** Four bytes of a frame that differ from packet to packet: one of `choices`, with random bits where `mask` has ones. */
export interface Patch {
  /** Even offset in the frame, at most 252. */
  readonly offset: number
  /** Words as they stand in the frame, big-endian; 1, 2, 4, 8 or 16 of them. */
  readonly choices: readonly number[]
  readonly mask: number
  /** Which checksums cover these bytes. */
  readonly checksums: 'none' | 'ip' | 'l4' | 'both'
}

/** One kind of attack packet. */
export interface Pattern {
  readonly name: string
  /** Its part of the flood, relative to the other patterns' weights. */
  readonly weight: number
  /** A whole, valid frame. */
  readonly template: Uint8Array
  readonly patches: readonly Patch[]
  /** Offset of the IPv4 header checksum, if it covers a patch. */
  readonly ipChecksumAt?: number
  /** Offset of the TCP, UDP or ICMP checksum, if it covers a patch. */
  readonly l4ChecksumAt?: number
}

/** Limits of lab/bpf/flood.bpf.c. */
export const MAX_PATTERNS = 16
const MAX_PATCHES = 8
const CHOICES = 16
const MAX_OFFSET = 255

const PATCH_SIZE = 8 + 4 * CHOICES
const HEADER_SIZE = 24
const MIN_FRAME = 42
export const MAX_FRAME = 512
const FRAME_AT = HEADER_SIZE + MAX_PATCHES * PATCH_SIZE
export const PATTERN_SIZE = FRAME_AT + MAX_FRAME

const COVERED = { none: 0, ip: 1, l4: 2, both: 3 } as const

/**
 * A pattern as `struct pattern` of lab/bpf/flood.bpf.c.
 *
 * @throws RangeError for what the program could not send.
 */
export function encodePattern(pattern: Pattern): Uint8Array {
  check(pattern)
  const bytes = new Uint8Array(PATTERN_SIZE)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, pattern.template.length, true)
  view.setUint32(4, pattern.patches.length, true)
  view.setUint32(8, baseSum(pattern, pattern.ipChecksumAt, COVERED.ip), true)
  view.setUint32(12, baseSum(pattern, pattern.l4ChecksumAt, COVERED.l4), true)
  view.setUint16(16, pattern.ipChecksumAt ?? 0, true)
  view.setUint16(18, pattern.l4ChecksumAt ?? 0, true)
  bytes.set(pattern.template, FRAME_AT)
  pattern.patches.forEach((patch, index) => {
    const at = HEADER_SIZE + index * PATCH_SIZE
    view.setUint16(at, patch.offset, true)
    view.setUint16(at + 2, COVERED[patch.checksums], true)
    view.setUint32(at + 4, patch.mask)
    for (let i = 0; i < CHOICES; i++) view.setUint32(at + 8 + 4 * i, patch.choices[i % patch.choices.length]!)
  })
  return bytes
}

/**
 * The sum behind a checksum of the template without the words that are patched: the complement of the right checksum minus
 * those words, in one's complement arithmetic. Swapped, because the program adds words as a little-endian machine loads them.
 */
function baseSum(pattern: Pattern, checksumAt: number | undefined, covered: number): number {
  if (checksumAt === undefined) return 0
  const parts = pattern.patches.filter((patch) => (COVERED[patch.checksums] & covered) !== 0)
  const words = [pattern.template.subarray(checksumAt, checksumAt + 2)]
  for (const { offset } of parts) words.push(pattern.template.subarray(offset, offset + 4))
  const sum = words.reduce((total, word) => onesSum(complement(word), total), 0)
  return ((sum & 0xff) << 8) | (sum >> 8)
}

function complement(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => ~byte)
}

function check({ name, weight, template, patches, ipChecksumAt, l4ChecksumAt }: Pattern): void {
  const wrong = (what: string) => new RangeError(`Cannot send pattern "${name}": ${what}`)
  if (!(weight > 0)) throw wrong(`weight is ${weight}, wanted more than 0`)
  if (template.length < MIN_FRAME || template.length > MAX_FRAME) {
    throw wrong(`its frame has ${template.length} bytes, wanted ${MIN_FRAME} to ${MAX_FRAME}`)
  }
  if (patches.length > MAX_PATCHES) throw wrong(`it has ${patches.length} patches, wanted at most ${MAX_PATCHES}`)
  for (const { offset, choices } of patches) {
    const last = Math.min(MAX_OFFSET - 3, template.length - 4)
    if (offset % 2 !== 0 || offset > last) throw wrong(`a patch is at ${offset}, wanted an even offset up to ${last}`)
    if (![1, 2, 4, 8, 16].includes(choices.length)) throw wrong(`${choices.length} choices, wanted 1, 2, 4, 8 or 16`)
  }
  for (const at of [ipChecksumAt, l4ChecksumAt]) {
    if (at !== undefined && at > MAX_OFFSET - 1) throw wrong(`a checksum is at ${at}, wanted at most ${MAX_OFFSET - 1}`)
  }
}
