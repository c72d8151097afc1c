import { decode } from '../bpf/index.ts'
import { FlowKey, UdpFlow } from '../generated/dispatch.ts'
import type { LiveDispatch } from './live.ts'

/** Of a destination and a generation, by their numbers. */
export const flowsKey = (destination: number, generation: number): string => `${destination} ${generation}`

/** Nanoseconds since the machine started, as the kernel's side counts. */
const now = (): bigint => process.hrtime.bigint()

/** UDP flows by their generation: `DESTINATION GENERATION` → flows that are not idle, by the longest time of the label's bindings. */
export async function countFlows(live: LiveDispatch): Promise<Map<string, number>> {
  const map = live.map('flows')
  const counts = new Map<string, number>()
  const oldest = oldestFlows(live)
  for await (const { count, keys, values } of map.batches())
    for (let index = 0; index < count; index++) {
      const { destination } = decode(FlowKey, keys, index * map.keySize)
      const { number, seen } = decode(UdpFlow, values, index * map.rawSize)
      if (seen <= (oldest.get(destination) ?? seen)) continue
      const key = flowsKey(destination, number)
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
  return counts
}

/** When a flow must have had a datagram that is not idle, by the number of its destination. */
function oldestFlows({ directory: { destinations }, manifest: { bindings } }: LiveDispatch): Map<number, bigint> {
  const idle = new Map<string, number>()
  for (const { label, protocol, idle: one } of bindings)
    if (protocol === 'udp') idle.set(label, Math.max(idle.get(label) ?? 0, one))
  const since = (label: string) => now() - BigInt(idle.get(label) ?? 0) * 1_000_000n
  return new Map(destinations.map(({ number, label }) => [number, since(label)]))
}
