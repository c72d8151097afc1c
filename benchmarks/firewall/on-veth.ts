import type { Program } from '../../src/bpf/index.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { Feeds } from '../../tests/support/feeds.ts'
import { loadRules } from '../../tests/support/load-rules.ts'
import type { BenchRun } from '../harness/bench.ts'
import { judge, type Result } from '../harness/result.ts'
import { type Timing, timingOf } from '../harness/timing.ts'
import { VethDrop } from '../harness/veth-drop.ts'
import { iptables } from '../rivals/iptables.ts'
import { measureNetfilter, rulesEndingWith } from '../rivals/netfilter.ts'
import { nftables } from '../rivals/nftables.ts'
import { ruleSetOf } from './rule-sets.ts'

/** How many times the receiving CPU's time of a bare XDP_DROP 1,000 rules may take. */
const TARGET = 1.5

/** T11: real packets over a veth, CPU time of the receiver for each one dropped by the last of 1,000 rules. */
export async function* onVeth(rules: readonly string[], packet: Uint8Array, run: BenchRun): AsyncGenerator<Result> {
  const samples = run.smoke ? 1 : 15
  const feeds = await Feeds.create()
  const loaded = await loadRules(ruleSetOf([...rules.slice(1), 'drop if udp.dstport == 4242']))
  try {
    const [floor, value] = await measureInTurn([feeds.drop, loaded.program], packet, samples)
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

/** Both programs on one veth, in turn, so that whatever else the machine does meets both. */
async function measureInTurn(
  [first, second]: readonly [Program, Program],
  packet: Uint8Array,
  samples: number,
): Promise<[Timing, Timing]> {
  const veth = await VethDrop.create()
  try {
    const { netns, ifindex } = veth.receiver
    const link = inNetns(netns, () => first.attachXdp({ ifindex, mode: 'native' }))
    const figures: [number[], number[]] = [[], []]
    const sample = (program: Program): number => {
      link.update(program)
      return veth.measure(packet, 1).min
    }
    try {
      for (let i = 0; i < samples; i++) {
        figures[0].push(sample(first))
        figures[1].push(sample(second))
      }
      return [timingOf(figures[0]), timingOf(figures[1])]
    } finally {
      link.close()
    }
  } finally {
    veth.close()
  }
}
