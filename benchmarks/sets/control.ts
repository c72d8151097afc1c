import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BpfMap, MapFlag } from '../../src/bpf/index.ts'
import { formatAddress } from '../../src/net/address.ts'
import type { Prefix } from '../../src/net/prefix.ts'
import { buildSet, openSet, type PrefixSet, parseSetFile, type SetGeometry } from '../../src/rules/sets/index.ts'
import type { BenchRun } from '../harness/bench.ts'
import { judge, type Result } from '../harness/result.ts'
import { type Timing, timingOf } from '../harness/timing.ts'
import { hosts4, numbers } from './contents.ts'
import { type ControlTimes, timed, timeIpset, timeNftables } from './rivals.ts'

interface Loaded {
  readonly set: PrefixSet
  readonly map: BpfMap
  readonly geometry: SetGeometry
}

/** Targets: two seconds to load, five milliseconds to change one element, 100 MB of user space. */
const TARGETS = { loadMs: 2000, updateMs: 5, mib: 100 }

/** From a file to the map that packets read; one element changed; memory. nftables and ipset beside it. */
export async function* control(count: number, run: BenchRun): AsyncGenerator<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'seawall-bench-'))
  try {
    const addresses = [...hosts4(count).set].map(formatAddress)
    const file = join(folder, 'hosts.txt')
    writeFileSync(file, shuffled(addresses).join('\n'))
    run.say('loading the same set into nftables and ipset')
    const rivals = {
      nftables: timeNftables(addresses, folder, run.smoke ? 1 : 5),
      ipset: timeIpset(addresses, run.smoke ? 1 : 5),
    }
    yield* ofLoaded(file, rivals, run)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function* ofLoaded(file: string, rivals: Record<string, ControlTimes>, run: BenchRun): AsyncGenerator<Result> {
  const samples: number[] = []
  let loaded: Loaded | undefined
  for (let i = 0; i < (run.smoke ? 1 : 5); i++) {
    loaded?.map.close()
    const start = performance.now()
    loaded = await load(file)
    samples.push(performance.now() - start)
  }
  const { set, map, geometry } = loaded!
  const title = `${set.size.toLocaleString('en')} IPv4 hosts`
  const result = (what: string, value: Timing, unit: string, target: number, others: Record<string, Timing> = {}) =>
    judge({ bench: 'sets', case: `${title}, ${what}`, keys: 'random', value, unit, rivals: others, target })
  try {
    const loads = Object.entries(rivals).map(([name, { loadMs }]) => [name, timingOf([loadMs])])
    yield result('file to live map', timingOf(samples), 'ms', TARGETS.loadMs, Object.fromEntries(loads))
    const columns = set.columns(4)
    const mib = (bytes: number) => timingOf([Math.round((bytes / 2 ** 20) * 10) / 10])
    yield result('user space memory', mib(columns.values.byteLength + columns.lengths.byteLength), 'MiB', TARGETS.mib)
    yield result('kernel memory', mib(geometry.bytes), 'MiB', TARGETS.mib)
    const updates = Object.entries(rivals).map(([name, { updateMs }]) => [name, timingOf(updateMs)])
    for (const [what, groups] of changes())
      yield result(
        `${what}, slowest of 20`,
        change(loaded!, groups),
        'ms',
        TARGETS.updateMs,
        Object.fromEntries(updates),
      )
  } finally {
    map.close()
  }
}

async function load(file: string): Promise<Loaded> {
  const set = await parseSetFile(file)
  const { geometry, write } = buildSet(set)
  const map = BpfMap.create({
    kind: 'array',
    name: 'set_bench',
    keySize: 4,
    valueSize: geometry.bytes,
    maxEntries: 1,
    flags: MapFlag.mmapable,
  })
  write(map.mmap())
  return { set, map, geometry }
}

/** Groups of prefixes to add and take out. */
function changes(): [what: string, groups: Prefix[][]][] {
  const random = numbers(4)
  const groups = <T>(make: () => T) => Array.from({ length: 10 }, () => Array.from({ length: 10 }, make))
  return [
    ['one host added or taken out', groups(() => ({ family: 4, value: BigInt(random()), length: 32 }) as const)],
    [
      'one /8 added or taken out',
      groups(() => ({ family: 4, value: BigInt(random() >>> 24) << 24n, length: 8 }) as const),
    ],
  ]
}

/** Milliseconds of the slowest change of each group, from the call to the last store: packets see it at once. */
function change({ set, map, geometry }: Loaded, groups: readonly (readonly Prefix[])[]): Timing {
  const live = openSet(map.mmap(), geometry)
  const add = (prefix: Prefix) => {
    set.add(prefix)
    if (live.add(prefix) === 'full') throw new Error('Cannot measure a change: the set is full')
  }
  const remove = (prefix: Prefix) => {
    set.delete(prefix)
    live.delete(prefix, set)
  }
  const both = (prefix: Prefix) => [timed(() => add(prefix)), timed(() => remove(prefix))]
  return timingOf(groups.map((group) => Math.max(...group.flatMap(both))))
}

function shuffled(lines: readonly string[]): string[] {
  const random = numbers(5)
  const result = [...lines]
  for (let i = result.length - 1; i > 0; i--) {
    const other = random() % (i + 1)
    ;[result[i], result[other]] = [result[other]!, result[i]!]
  }
  return result
}
