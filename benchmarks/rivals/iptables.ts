import { command } from '../../src/linux/command.ts'
import { inNetns } from '../../src/linux/netns.ts'
import type { Timing } from '../harness/timing.ts'
import { VethDrop } from '../harness/veth-drop.ts'
import type { NetfilterRule } from './netfilter-rule.ts'

/**
 * iptables (legacy), at the place where it is fastest (PREROUTING of the raw table): nanoseconds of the receiving CPU for each dropped
 * packet.
 *
 * @throws Error when a packet came through, since then nothing was measured.
 */
export async function measureIptables(
  rules: readonly NetfilterRule[],
  packet: Uint8Array,
  samples: number,
): Promise<Timing> {
  const veth = await VethDrop.create()
  try {
    const { netns } = veth.receiver
    inNetns(netns, () => command('iptables-legacy-restore', [], { input: ruleset(rules) }))
    const timing = veth.measure(packet, samples)
    const passed = passedPackets(inNetns(netns, () => command('iptables-legacy-save', ['-c', '-t', 'raw'])))
    if (passed !== 0) throw new Error(`Cannot measure iptables: it let ${passed} packets pass`)
    return timing
  } finally {
    veth.close()
  }
}

function ruleset(rules: readonly NetfilterRule[]): string {
  const lines = rules.map(({ source, port }) => `-A PREROUTING -s ${source}/32 -p udp --dport ${port} -j DROP`)
  return ['*raw', ':PREROUTING ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...lines, 'COMMIT', ''].join('\n')
}

/** The packets that reached the end of the chain. */
function passedPackets(saved: string): number {
  return Number(/^:PREROUTING ACCEPT \[(\d+):/m.exec(saved)?.[1])
}
