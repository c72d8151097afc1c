import { command } from '../../src/linux/command.ts'
import { inNetns } from '../../src/linux/netns.ts'
import type { Timing } from '../harness/timing.ts'
import { VethDrop } from '../harness/veth-drop.ts'
import type { NetfilterRule } from './netfilter-rule.ts'

/**
 * nftables, at the place where it is fastest (the netdev ingress hook): nanoseconds of the receiving CPU for each dropped packet.
 *
 * @throws Error when a packet came through, since then nothing was measured.
 */
export async function measureNftables(
  rules: readonly NetfilterRule[],
  packet: Uint8Array,
  samples: number,
): Promise<Timing> {
  const veth = await VethDrop.create()
  try {
    const { netns, name } = veth.receiver
    inNetns(netns, () => command('nft', ['-f', '-'], { input: ruleset(rules, name) }))
    const timing = veth.measure(packet, samples)
    const passed = inNetns(netns, () => command('nft', ['list', 'counter', 'netdev', 'bench', 'passed']))
    if (!passed.includes('packets 0 ')) throw new Error(`Cannot measure nftables: it let packets pass: ${passed}`)
    return timing
  } finally {
    veth.close()
  }
}

function ruleset(rules: readonly NetfilterRule[], device: string): string {
  return [
    'table netdev bench {',
    'counter passed { }',
    `chain ingress { type filter hook ingress device "${device}" priority 0; policy accept;`,
    ...rules.map(({ source, port }) => `ip saddr ${source} udp dport ${port} drop`),
    'meta protocol ip counter name passed',
    '}',
    '}',
    '',
  ].join('\n')
}
