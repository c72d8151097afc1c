import { BpfMap, MapFlag } from '../../src/bpf/index.ts'
import { buildSet } from '../../src/rules/sets/index.ts'
import type { BenchRun } from '../harness/bench.ts'
import { measureTestRun } from '../harness/measure-test-run.ts'
import { judge, type Result } from '../harness/result.ts'
import type { Timing } from '../harness/timing.ts'
import type { Contents } from './contents.ts'
import { fillMap } from './fill-map.ts'
import { type Keys, type Lookup, LookupPrograms, mapLookup, ownLookup, XDP_DROP } from './lookup-programs.ts'

export interface LookupCase {
  readonly name: string
  readonly contents: Contents
  /** Nanoseconds above the floor. */
  readonly targets: Partial<Record<Keys, number>>
  /** The kernel's trie is the rival; if not, also its hash table. */
  readonly lpm: boolean
}

const PACKET = new Uint8Array(64)

/** Short runs, of other keys each: on a busy machine some of them are left alone, and a trie takes a microsecond a packet. */
const REPEAT = 100_000

/** A set's lookup with each kind of keys, above the cost of making the key, and the kernel's own maps beside it. */
export async function* lookups({ name, contents, targets, lpm }: LookupCase, run: BenchRun): AsyncGenerator<Result> {
  const programs = new LookupPrograms(contents)
  const { family, set } = contents
  try {
    const built = buildSet(set)
    built.write(programs.memory('set', built.geometry.bytes))
    const rivals = new Map<string, Lookup>()
    for (const kind of lpm ? (['lpm'] as const) : (['hash', 'lpm'] as const)) {
      const map = createRival(kind, family, set.size)
      programs.add(kind, map)
      await fillMap(map, kind, set.columns(family))
      rivals.set(kind === 'lpm' ? 'LPM_TRIE' : 'HASH', mapLookup(family, kind))
    }
    const short = { ...run, repeat: Math.min(run.repeat, REPEAT) }
    const measure = async (keys: Keys, lookup?: Lookup) =>
      measureTestRun(
        await programs.load(keys, lookup),
        PACKET,
        keys === 'random' ? short : { ...short, expect: XDP_DROP },
      )
    for (const keys of ['random', 'member', 'hot'] as const) {
      const others: Record<string, Timing> = {}
      const floor = await measure(keys)
      const value = await measure(keys, ownLookup(family, built.geometry))
      for (const [rival, lookup] of rivals) others[rival] = await measure(keys, lookup)
      yield judge({
        bench: 'sets',
        case: `${set.size.toLocaleString('en')} ${name}, ${keys === 'random' ? 'any address' : 'addresses of the set'}`,
        keys: keys === 'hot' ? 'hot' : 'random',
        value,
        unit: 'ns',
        floor,
        rivals: others,
        target: targets[keys] ?? null,
      })
    }
  } finally {
    programs.close()
  }
}

function createRival(kind: 'hash' | 'lpm', family: 4 | 6, size: number): BpfMap {
  const address = family === 4 ? 4 : 16
  return kind === 'hash'
    ? BpfMap.create({ kind: 'hash', name: 'rival_hash', keySize: address, valueSize: 4, maxEntries: size })
    : BpfMap.create({
        kind: 'lpm_trie',
        name: 'rival_lpm',
        keySize: 4 + address,
        valueSize: 4,
        maxEntries: size,
        flags: MapFlag.noPreallocation,
      })
}
