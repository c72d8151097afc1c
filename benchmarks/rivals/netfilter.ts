import { inNetns } from '../../src/linux/netns.ts'
import type { Timing } from '../harness/timing.ts'
import { VethDrop } from '../harness/veth-drop.ts'

/** What the rivals of netfilter are asked to drop: UDP from an address to a port. */
export interface NetfilterRule {
  readonly source: string
  readonly port: number
}

/** `count` rules of which only the last matches packets of `last`. */
export function rulesEndingWith(last: NetfilterRule, count: number): NetfilterRule[] {
  const others = Array.from({ length: count - 1 }, (_, i) => ({
    source: `10.98.${i >> 8}.${i & 255}`,
    port: last.port,
  }))
  return [...others, last]
}

/** A rival, by what it takes to set it up and to ask it; both run inside the namespace of `device`. */
export interface NetfilterRival {
  readonly name: string
  setUp(device: string): void
  /** Packets that reached the end of its rules. */
  passed(): number
}

/**
 * Nanoseconds of the receiving CPU for each packet that a rival dropped.
 *
 * @throws Error when a packet came through, since then nothing was measured.
 */
export async function measureNetfilter(rival: NetfilterRival, packet: Uint8Array, samples: number): Promise<Timing> {
  const veth = await VethDrop.create()
  try {
    const { netns, name } = veth.receiver
    inNetns(netns, () => rival.setUp(name))
    const timing = veth.measure(packet, samples)
    const passed = inNetns(netns, () => rival.passed())
    if (passed !== 0) throw new Error(`Cannot measure ${rival.name}: it let ${passed} packets pass`)
    return timing
  } finally {
    veth.close()
  }
}
