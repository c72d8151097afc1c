import { setImmediate } from 'node:timers/promises'
import type { BpfMap } from '../../src/bpf/index.ts'
import type { PrefixSet } from '../../src/rules/sets/index.ts'

const PORTION = 4096

/** Puts prefixes into a kernel map: address in network order (`hash`), and its length before it (`lpm`). */
export async function fillMap(
  map: BpfMap,
  kind: 'hash' | 'lpm',
  columns: ReturnType<PrefixSet['columns']>,
): Promise<void> {
  const { words, values, lengths, size } = columns
  const before = kind === 'lpm' ? 4 : 0
  const keySize = before + 4 * words
  for (let start = 0; start < size; start += PORTION) {
    const count = Math.min(PORTION, size - start)
    const keys = new Uint8Array(count * keySize)
    const view = new DataView(keys.buffer)
    for (let i = 0; i < count; i++) {
      if (kind === 'lpm') view.setUint32(i * keySize, lengths[start + i]!, true)
      for (let word = 0; word < words; word++)
        view.setUint32(i * keySize + before + 4 * word, values[(start + i) * words + word]!)
    }
    map.setBatch(keys, new Uint8Array(count * 4))
    await setImmediate()
  }
}
