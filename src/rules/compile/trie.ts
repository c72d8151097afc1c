import type { Segment } from './classes.ts'

/** Set in an entry that names a node of 256 entries instead of a class. */
export const CHILD = 0x8000_0000

/** A 16-8-8-… trie over the leading bits of a key: root entries by the first 16 bits, nodes of 256 entries behind. */
export interface Trie {
  readonly root: Uint32Array
  readonly nodes: Uint32Array
  /** Levels behind the root that some key needs. */
  readonly depth: number
}

/** Builds the trie of `bits`-wide keys (32 or 128) for segments in ascending order, the first from 0. */
export function buildTrie(segments: readonly Segment[], bits: number): Trie {
  const nodes: number[][] = []
  let depth = 0

  /** Entries for `count` children of 2^shift keys each, from key `base` on; `index` is the segment at `base`. */
  const fill = (base: bigint, shift: number, count: number, level: number, start: number): number[] => {
    const entries = new Array<number>(count)
    const width = 1n << BigInt(shift)
    let index = start
    for (let i = 0; i < count; i++) {
      const from = base + BigInt(i) * width
      while (index + 1 < segments.length && segments[index + 1]!.from <= from) index++
      const next = segments[index + 1]?.from
      if (next === undefined) return entries.fill(segments[index]!.class, i)
      if (next >= from + width) {
        entries[i] = segments[index]!.class
        continue
      }
      depth = Math.max(depth, level + 1)
      const node = nodes.length
      nodes.push([])
      nodes[node] = fill(from, shift - 8, 256, level + 1, index)
      entries[i] = CHILD | node
    }
    return entries
  }
  const root = Uint32Array.from(fill(0n, bits - 16, 65536, 0, 0), (entry) => entry >>> 0)
  return { root, nodes: Uint32Array.from(nodes.flat(), (entry) => entry >>> 0), depth }
}
