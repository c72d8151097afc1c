import type { BpfMap } from '../bpf/index.ts'
import type { Count } from './types.ts'
import { u32 } from './u32.ts'

export const zero: Count = { packets: 0, bytes: 0 }

export function add(a: Count, b: Count): Count {
  return { packets: a.packets + b.packets, bytes: a.bytes + b.bytes }
}

export function subtract(a: Count, b: Count): Count {
  return { packets: a.packets - b.packets, bytes: a.bytes - b.bytes }
}

/** Reads one slot of a per-CPU array of { packets u64, bytes u64 }, summed. */
export function readSlot(map: BpfMap, slot: number): Count {
  const value = map.getRaw(u32(slot))
  return value === undefined ? zero : sumCpus(value)
}

/** Sums the elements of all CPUs, which follow each other. */
export function sumCpus(value: Uint8Array): Count {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  let packets = 0n
  let bytes = 0n
  for (let at = 0; at < value.length; at += 16) {
    packets += view.getBigUint64(at, true)
    bytes += view.getBigUint64(at + 8, true)
  }
  return { packets: Number(packets), bytes: Number(bytes) }
}
