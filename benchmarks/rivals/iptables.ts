import { command } from '../../src/linux/command.ts'
import type { NetfilterRival, NetfilterRule } from './netfilter.ts'

/** iptables (legacy), at the place where it is fastest: PREROUTING of the raw table. */
export function iptables(rules: readonly NetfilterRule[]): NetfilterRival {
  return {
    name: 'iptables',
    setUp: () => command('iptables-legacy-restore', [], { input: ruleset(rules) }),
    passed: () => {
      const saved = command('iptables-legacy-save', ['-c', '-t', 'raw'])
      return Number(/^:PREROUTING ACCEPT \[(\d+):/m.exec(saved)?.[1])
    },
  }
}

function ruleset(rules: readonly NetfilterRule[]): string {
  const lines = rules.map(({ source, port }) => `-A PREROUTING -s ${source}/32 -p udp --dport ${port} -j DROP`)
  return ['*raw', ':PREROUTING ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...lines, 'COMMIT', ''].join('\n')
}
