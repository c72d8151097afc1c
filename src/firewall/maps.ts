import { createHash } from 'node:crypto'
import { BpfMap } from '../bpf/index.ts'
import { createMemory, kernelName } from '../entry/memory.ts'
import { syncookies } from '../generated/syncookies.ts'
import { type MapNeed, SCRATCH_BUFFERS } from '../rules/compile/index.ts'
import { COUNTER_SIZE, SAMPLES_SIZE, SLOTS } from './layout.ts'

function createCounters(): BpfMap {
  return BpfMap.create({
    kind: 'percpu_array',
    name: 'counters',
    keySize: 4,
    valueSize: COUNTER_SIZE,
    maxEntries: SLOTS,
  })
}

/** `bytes`: a power of two. */
function createRing(name: string, bytes: number): BpfMap {
  return BpfMap.create({ kind: 'ringbuf', name: kernelName(name), keySize: 0, valueSize: 0, maxEntries: bytes })
}

/** As bpf/syncookies.bpf.c has it. */
export function createCookieCounters(): BpfMap {
  const { kind, maxEntries, key, value } = syncookies.maps.cookies
  return BpfMap.create({ kind, name: 'cookies', keySize: key.size, valueSize: value.size, maxEntries })
}

/** As bpf/syncookies.bpf.c has them. */
function createStages(): BpfMap {
  const { kind, maxEntries, key, value } = syncookies.maps.stages
  return BpfMap.create({ kind, name: 'stages', keySize: key.size, valueSize: value.size, maxEntries })
}

function createHandovers(): BpfMap {
  const { kind, maxEntries, key, value } = syncookies.maps.handovers
  return BpfMap.create({ kind, name: 'handovers', keySize: key.size, valueSize: value.size, maxEntries })
}

function createScratch({ symbol, bytes }: MapNeed): BpfMap {
  return BpfMap.create({
    kind: 'percpu_array',
    name: symbol,
    keySize: 4,
    valueSize: bytes,
    maxEntries: SCRATCH_BUFFERS,
  })
}

/** Makes the map that a program needs under a symbol. `ringBytes`: how large, if it is the ring of a capture. */
export function createNeeded(need: MapNeed, ringBytes = SAMPLES_SIZE): BpfMap {
  if (need.purpose === 'counters') return createCounters()
  if (need.purpose === 'samples') return createRing(need.symbol, SAMPLES_SIZE)
  if (need.purpose === 'ring') return createRing(need.symbol, ringBytes)
  if (need.purpose === 'scratch') return createScratch(need)
  if (need.purpose === 'stages') return createStages()
  if (need.purpose === 'handovers') return createHandovers()
  // libbpf looks for a map that it uses again by the name that the kernel has for it.
  if (need.purpose === 'connections') return createMemory('cells', need.bytes)
  return createMemory(need.symbol, need.bytes)
}

/** Name of the pin of a map: its symbol, or for a rule's cells a hash of the rule's id, which may have dots. */
export function pinOf(symbol: string): string {
  const [kind, name] = split(symbol)
  if (name === undefined) return symbol
  return kind !== 'cells'
    ? `${kind}-${name}`
    : `${kind}-${createHash('sha256').update(name).digest('hex').slice(0, 16)}`
}

function split(symbol: string): [string, string | undefined] {
  const at = symbol.indexOf(':')
  return at < 0 ? [symbol, undefined] : [symbol.slice(0, at), symbol.slice(at + 1)]
}
