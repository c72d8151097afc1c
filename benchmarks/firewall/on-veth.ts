import type { Program } from '../../src/bpf/index.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { loadRules } from '../../tests/support/load-rules.ts'
import type { BenchRun } from '../harness/bench.ts'
import { judge, type Result } from '../harness/result.ts'
import type { Timing } from '../harness/timing.ts'
import { VethDrop } from '../harness/veth-drop.ts'
import { iptables } from '../rivals/iptables.ts'
import { measureNetfilter, rulesEndingWith } from '../rivals/netfilter.ts'
import { nftables } from '../rivals/nftables.ts'
import { Feeds } from './feeds.ts'
import { ruleSetOf } from './rule-sets.ts'

/** How many times the receiving CPU's time of a bare XDP_DROP 1,000 rules may take. */
const TARGET = 1.5

/** T11: real packets over a veth, CPU time of the receiver for each one dropped by the last of 1,000 rules. */
export async function* onVeth(rules: readonly string[], packet: Uint8Array, run: BenchRun): AsyncGenerator<Result> {
  const samples = run.smoke ? 1 : 7
  const feeds = await Feeds.create()
  const loaded = await loadRules(ruleSetOf([...rules.slice(1), 'drop if udp.dstport == 4242']))
  try {
    const floor = await measureXdp(feeds.drop, packet, samples)
    const value = await measureXdp(loaded.program, packet, samples)
    const last = { source: '10.99.0.1', port: 4242 }
    const count = rules.length
    run.say('the same packets dropped by nftables and iptables')
    const rivals = {
      nftables: await measureNetfilter(nftables(rulesEndingWith(last, count)), packet, run.smoke ? 1 : 2),
      iptables: await measureNetfilter(iptables(rulesEndingWith(last, count)), packet, run.smoke ? 1 : 2),
    }
    const ratio = { min: value.min / floor.min, median: value.median / floor.median }
    const base = { bench: 'firewall', keys: 'hot' } as const
    yield judge({ ...base, case: 'T11 veth, 1,000 rules, the last drops', unit: 'ns', value, floor, rivals })
    yield judge({ ...base, case: 'T11 veth, 1,000 rules, times XDP_DROP', unit: '×', value: ratio, target: TARGET })
  } finally {
    loaded.close()
    feeds.close()
  }
}

async function measureXdp(program: Program, packet: Uint8Array, samples: number): Promise<Timing> {
  const veth = await VethDrop.create()
  try {
    const { netns, ifindex } = veth.receiver
    const link = inNetns(netns, () => program.attachXdp({ ifindex, mode: 'native' }))
    try {
      return veth.measure(packet, samples)
    } finally {
      link.close()
    }
  } finally {
    veth.close()
  }
}
