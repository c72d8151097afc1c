import { setImmediate as nextTurn } from 'node:timers/promises'
import { BpfError } from './errors.ts'
import * as libbpf from './ffi/libbpf.ts'
import type { BpfMap } from './map.ts'
import { check, refused } from './result.ts'

/** Elements of a map: keys one after the other, and their values. */
export interface MapBatch {
  readonly count: number
  readonly keys: Uint8Array
  /** Each as long as `rawSize` of the map. */
  readonly values: Uint8Array
}

const ENOENT = -2
const ENOSPC = -28

/** Bytes of the kernel's place in a map: it needs 4 for hashes and a key for others. */
const PLACE = 256

/** @throws BpfError BPF_SIZE, BPF_REFUSED */
export function writeBatch(map: BpfMap, keys: Uint8Array, values: Uint8Array): void {
  const count = countKeys(map, keys)
  if (values.length !== count * map.rawSize) {
    const found = `there are ${values.length} bytes of values (wanted ${count * map.rawSize} for ${count} keys)`
    throw new BpfError('BPF_SIZE', '', `write to map "${map.name}"`, found)
  }
  if (count === 0) return
  check(libbpf.mapUpdateBatch(map.fd, keys, values, u32(count), null), `write ${count} elements to map "${map.name}"`)
}

/** @throws BpfError BPF_SIZE, BPF_REFUSED */
export function deleteBatch(map: BpfMap, keys: Uint8Array): void {
  const count = countKeys(map, keys)
  if (count === 0) return
  check(libbpf.mapDeleteBatch(map.fd, keys, u32(count), null), `delete ${count} elements from map "${map.name}"`)
}

/** @throws BpfError BPF_REFUSED */
export async function* readBatches(map: BpfMap, size: number): AsyncGenerator<MapBatch, void> {
  let capacity = size
  let place: Uint8Array | null = null
  for (;;) {
    const next: Uint8Array = new Uint8Array(PLACE)
    const keys = new Uint8Array(capacity * map.keySize)
    const values = new Uint8Array(capacity * map.rawSize)
    const counter = u32(capacity)
    const result = libbpf.mapLookupBatch(map.fd, place, next, keys, values, counter, null)
    if (result === ENOSPC) {
      // One bucket of a hash may hold more than fits; the kernel gives a bucket as a whole.
      capacity *= 2
      continue
    }
    if (result < 0 && result !== ENOENT) throw refused(result, `read the elements of map "${map.name}"`)
    const count = new Uint32Array(counter.buffer)[0]!
    yield { count, keys: keys.subarray(0, count * map.keySize), values: values.subarray(0, count * map.rawSize) }
    if (result === ENOENT) return
    place = next
    await nextTurn()
  }
}

function countKeys(map: BpfMap, keys: Uint8Array): number {
  const count = keys.length / map.keySize
  if (Number.isInteger(count)) return count
  const found = `there are ${keys.length} bytes of keys (wanted a multiple of ${map.keySize})`
  throw new BpfError('BPF_SIZE', '', `use map "${map.name}"`, found)
}

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer)
}
