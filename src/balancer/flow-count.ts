import type { BpfMap } from '../bpf/index.ts'
import { u32 } from '../entry/u32.ts'
import { Counts } from '../generated/balancer.ts'
import type { FlowCount } from './types.ts'

/** Reads an element of `service_counts` or `backend_counts`, summed over all CPUs. */
export function readFlowCount(map: BpfMap, number: number): FlowCount {
  const values = map.getRaw(u32(number))!
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength)
  const sum = { packets: 0, bytes: 0, transitions: 0, previous: 0 }
  for (let at = 0; at < values.length; at += Counts.size) {
    const one = Counts.read(view, at)
    sum.packets += Number(one.packets)
    sum.bytes += Number(one.bytes)
    sum.transitions += Number(one.transitions)
    sum.previous += Number(one.previous)
  }
  return sum
}

/** Reads an element of a per-CPU array of u64, summed over all CPUs. */
export function readSum(map: BpfMap, index: number): number {
  const values = map.getRaw(u32(index))!
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength)
  let sum = 0n
  for (let at = 0; at < values.length; at += 8) sum += view.getBigUint64(at, true)
  return Number(sum)
}
