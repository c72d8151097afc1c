import { PrefixSet } from '../rules/sets/index.ts'

/** Bytes of the header: the numbers of IPv4 and of IPv6 prefixes, u32 each. */
const HEADER = 8

/** Bytes that {@link writeSource} needs. */
export function sourceBytes(set: PrefixSet): number {
  return layout(set.columns(4).size, set.columns(6).size).end
}

/**
 * Writes the elements of a set down as they are: their words, then their lengths, family by family. The memory that packets read
 * does not tell overlapping prefixes apart; this does, so that any process can go on with the set without its file.
 */
export function writeSource(set: PrefixSet, bytes: Uint8Array): void {
  const four = set.columns(4)
  const six = set.columns(6)
  const at = layout(four.size, six.size)
  new Uint32Array(bytes.buffer, bytes.byteOffset, 2).set([four.size, six.size])
  new Uint32Array(bytes.buffer, bytes.byteOffset + HEADER, four.size).set(four.values.subarray(0, four.size))
  bytes.set(four.lengths.subarray(0, four.size), at.lengths4)
  new Uint32Array(bytes.buffer, bytes.byteOffset + at.values6, six.size * 4).set(six.values.subarray(0, six.size * 4))
  bytes.set(six.lengths.subarray(0, six.size), at.lengths6)
}

/** Reads a set back. */
export function readSource(bytes: Uint8Array): PrefixSet {
  const [four = 0, six = 0] = new Uint32Array(bytes.buffer, bytes.byteOffset, 2)
  const at = layout(four, six)
  const words = (offset: number, length: number) =>
    new Uint32Array(bytes.buffer, bytes.byteOffset + offset, length).slice()
  const set = new PrefixSet()
  set.addColumns(4, words(HEADER, four), bytes.slice(at.lengths4, at.lengths4 + four), four)
  set.addColumns(6, words(at.values6, six * 4), bytes.slice(at.lengths6, at.lengths6 + six), six)
  return set
}

function layout(four: number, six: number): { lengths4: number; values6: number; lengths6: number; end: number } {
  const lengths4 = HEADER + four * 4
  const values6 = Math.ceil((lengths4 + four) / 4) * 4
  const lengths6 = values6 + six * 16
  return { lengths4, values6, lengths6, end: lengths6 + six }
}
