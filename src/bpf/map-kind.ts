/** Numbers of `enum bpf_map_type` (linux/bpf.h). */
const numbers = {
  hash: 1,
  array: 2,
  prog_array: 3,
  perf_event_array: 4,
  percpu_hash: 5,
  percpu_array: 6,
  stack_trace: 7,
  cgroup_array: 8,
  lru_hash: 9,
  lru_percpu_hash: 10,
  lpm_trie: 11,
  array_of_maps: 12,
  hash_of_maps: 13,
  devmap: 14,
  sockmap: 15,
  cpumap: 16,
  xskmap: 17,
  sockhash: 18,
  queue: 22,
  stack: 23,
  devmap_hash: 25,
  ringbuf: 27,
  bloom_filter: 30,
} as const

export type MapKind = keyof typeof numbers

export function mapKindNumber(kind: MapKind): number {
  return numbers[kind]
}

/** @returns undefined for kinds that this library does not know. */
export function mapKindOf(number: number): MapKind | undefined {
  return (Object.keys(numbers) as MapKind[]).find((kind) => numbers[kind] === number)
}

/** Whether user space sees one value a CPU. */
export function isPerCpu(kind: MapKind): boolean {
  return kind === 'percpu_hash' || kind === 'percpu_array' || kind === 'lru_percpu_hash'
}
