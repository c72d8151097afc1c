import { command } from '../../src/linux/command.ts'
import type { NetfilterRival, NetfilterRule } from './netfilter.ts'

/** nftables, at the place where it is fastest: the netdev ingress hook. */
export function nftables(rules: readonly NetfilterRule[]): NetfilterRival {
  return {
    name: 'nftables',
    setUp: (device) => command('nft', ['-f', '-'], { input: ruleset(rules, device) }),
    passed: () => Number(/packets (\d+)/.exec(command('nft', ['list', 'counter', 'netdev', 'bench', 'passed']))?.[1]),
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
