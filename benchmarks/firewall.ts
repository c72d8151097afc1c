// The firewall's packet path: nanoseconds above a bare XDP_DROP, beside xdp-filter, nftables and iptables. T1 to T13 are the targets
// of docs/benchmarks.md.
import { Program } from '../src/bpf/index.ts'
import { buildPacket, ethernet, ipv4, udp } from '../src/net/build.ts'
import { Xdp } from '../src/rules/compile/index.ts'
import { Feeds } from '../tests/support/feeds.ts'
import { whileHammering } from '../tests/support/hammering.ts'
import { type LoadedRules, loadRules } from '../tests/support/load-rules.ts'
import { aboutSets } from './firewall/about-sets.ts'
import { onVeth } from './firewall/on-veth.ts'
import { reload } from './firewall/reload.ts'
import { mixedRules, ruleSetOf } from './firewall/rule-sets.ts'
import { aboutSynCookies } from './firewall/syn-cookies.ts'
import type { Bench, BenchRun } from './harness/bench.ts'
import { measureTestRun } from './harness/measure-test-run.ts'
import { judge, type Result } from './harness/result.ts'
import type { Timing } from './harness/timing.ts'
import { startXdpFilter } from './rivals/xdp-filter.ts'

/** 64 bytes: Ethernet, IPv4, UDP from 10.99.0.1 to port 4242. */
const packet = buildPacket(
  ethernet(),
  ipv4({ src: '10.99.0.1', dst: '10.99.0.2' }),
  udp({ srcport: 12345, dstport: 4242 }),
  'A'.repeat(22),
)

/** Targets in nanoseconds above the floor, or above what the case before took. */
interface Case {
  readonly name: string
  readonly rules: readonly string[]
  readonly verdict: keyof typeof Xdp
  readonly targets: { readonly hot: number; readonly random?: number }
  readonly aboveTheLast?: true
}

const THOUSAND = mixedRules(1000)

const CASES: readonly Case[] = [
  { name: 'T1 no rules', rules: [], verdict: 'pass', targets: { hot: 8 } },
  { name: 'T2 1,000 rules, nothing matches', rules: THOUSAND, verdict: 'pass', targets: { hot: 20, random: 60 } },
  {
    name: 'T3 1,000 rules, the last drops',
    rules: [...THOUSAND.slice(1), 'drop if udp.dstport >= 4242'],
    verdict: 'drop',
    targets: { hot: 5, random: 5 },
    aboveTheLast: true,
  },
  {
    name: 'T6 limit of a rule, conforming',
    rules: ['limit 900000000/s burst 900000000 if udp.dstport == 4242'],
    verdict: 'pass',
    targets: { hot: 8 },
  },
  { name: 'T6 limit of a rule, over', rules: ['limit 1000/s burst 1000 if udp'], verdict: 'drop', targets: { hot: 8 } },
  {
    name: 'T7 limit of each source',
    rules: ['limit 10000/s burst 10000 per ip.src if udp'],
    verdict: 'pass',
    targets: { hot: 30, random: 30 },
  },
]

/** Measurements of one run, and what they are measured against. */
class FirewallBench {
  readonly #feeds: Feeds
  readonly #run: BenchRun
  readonly #floors: { readonly hot: Timing; readonly random: Timing }
  /** What the last case took, nanoseconds above the floor. */
  readonly #last = { hot: 0, random: 0 }

  constructor(feeds: Feeds, run: BenchRun) {
    this.#feeds = feeds
    this.#run = run
    this.#floors = { hot: this.measure(feeds.drop), random: this.measure(feeds.random(feeds.drop)) }
  }

  measure(program: Program, expect?: number): Timing {
    const { runs, repeat } = this.#run
    return measureTestRun(program, packet, { runs, repeat, ...(expect === undefined ? {} : { expect }) })
  }

  async *rules(
    { name, rules, verdict, targets, aboveTheLast }: Case,
    rivals: Record<string, Timing>,
  ): AsyncGenerator<Result> {
    const loaded = await loadRules(ruleSetOf(rules))
    try {
      for (const keys of ['hot', 'random'] as const) {
        const target = targets[keys]
        if (target === undefined) continue
        const floor = this.#floors[keys]
        const value = this.#measureWith(loaded, keys, verdict, name)
        yield judge({
          ...NS,
          case: name,
          keys,
          value,
          floor,
          target: target + (aboveTheLast ? this.#last[keys] : 0),
          rivals: keys === 'hot' ? rivals : {},
        })
        this.#last[keys] = value.min - floor.min
      }
    } finally {
      loaded.close()
    }
  }

  /** A limited packet's verdict depends on the time: it is not asked for. */
  #measureWith({ program }: LoadedRules, keys: 'hot' | 'random', verdict: keyof typeof Xdp, name: string): Timing {
    const measured = keys === 'hot' ? program : this.#feeds.random(program)
    return this.measure(measured, name.includes('limit') ? undefined : Xdp[verdict])
  }

  stageBoundary(): Result {
    const value = this.measure(this.#feeds.hop(this.#feeds.drop), Xdp.drop)
    return judge({ ...NS, case: 'T10 stage boundary', keys: 'hot', value, floor: this.#floors.hot, target: 2 })
  }

  async limitOnTwoCpus(): Promise<Result> {
    const loaded = await loadRules(ruleSetOf(['limit 900000000/s burst 900000000 if udp.dstport == 4242']))
    try {
      const value = await whileHammering(loaded.program, new Map([[0, packet]]), () => this.measure(loaded.program))
      const floor = await whileHammering(this.#feeds.drop, new Map([[0, packet]]), () => this.measure(this.#feeds.drop))
      return judge({ ...NS, case: 'T6 limit of a rule, two CPUs', keys: 'hot', value, floor, target: 20 })
    } finally {
      loaded.close()
    }
  }
}

const NS = { bench: 'firewall', unit: 'ns' } as const

/** xdp-filter with as many source addresses, none of them the packet's. */
function measureXdpFilter(bench: FirewallBench, count: number): Timing {
  const sources = Array.from({ length: count }, (_, i) => `10.98.${i >> 8}.${i & 255}`)
  const rival = startXdpFilter({ sources })
  try {
    const program = Program.openId(rival.programId)
    try {
      return bench.measure(program, Xdp.pass)
    } finally {
      program.close()
    }
  } finally {
    rival.close()
  }
}

export const bench: Bench = async function* (run) {
  const feeds = await Feeds.create()
  try {
    const firewall = new FirewallBench(feeds, run)
    const thousand = { 'xdp-filter': measureXdpFilter(firewall, 1000) }
    const empty = { 'xdp-filter': measureXdpFilter(firewall, 0) }
    for (const each of CASES)
      yield* firewall.rules(each, each.rules.length >= 1000 ? thousand : each.rules.length === 0 ? empty : {})
    yield await firewall.limitOnTwoCpus()
    yield firewall.stageBoundary()
    yield* aboutSynCookies(run)
    yield* aboutSets(run)
    yield* onVeth(THOUSAND, packet, run)
    yield await reload(THOUSAND, run)
  } finally {
    feeds.close()
  }
}
