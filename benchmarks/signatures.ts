// Signatures: nanoseconds above a bare XDP_DROP for TCP SYNs with p0f signatures, DNS questions with patterns, and connection counts.
import { Program } from '../src/bpf/index.ts'
import { buildPacket, dns, ethernet, ipv4, tcp, udp } from '../src/net/build.ts'
import { Assembler, r0 } from '../src/rules/asm/index.ts'
import { Xdp } from '../src/rules/compile/index.ts'
import { loadRules } from '../tests/support/load-rules.ts'
import { ruleSetOf } from './firewall/rule-sets.ts'
import type { Bench } from './harness/bench.ts'
import { measureTestRun } from './harness/measure-test-run.ts'
import { judge } from './harness/result.ts'

/** A SYN as Linux sends it: MSS 1460, SACK, timestamps, scale 7, window 44 × MSS. */
const options = Uint8Array.of(2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 1, 2, 3, 0, 0, 0, 0, 1, 3, 3, 7)
const syn = buildPacket(ethernet(), ipv4({ flags: 2, id: 7 }), tcp({ dstport: 443, seq: 9, window: 64240, options }))
const question = buildPacket(
  ethernet(),
  ipv4(),
  udp({ srcport: 4000, dstport: 53 }),
  dns({ questions: [{ name: 'a1b2c3d4.www.example.com' }] }),
)

const linux = (scale: number): string => `drop if p0f("*:64:0:*:mss*44,${scale}:mss,sok,ts,nop,ws:df,id+:0")`
const times = (count: number, text: (i: number) => string): string[] => Array.from({ length: count }, (_, i) => text(i))

interface Case {
  readonly name: string
  readonly rules: readonly string[]
  readonly packet: Uint8Array
  readonly verdict: keyof typeof Xdp
}

const CASES: readonly Case[] = [
  { name: 'a signature, DNS question', rules: [linux(7)], packet: question, verdict: 'pass' },
  { name: 'a signature, SYN that has it', rules: [linux(7)], packet: syn, verdict: 'drop' },
  { name: 'a signature, SYN of another', rules: [linux(8)], packet: syn, verdict: 'pass' },
  {
    name: '15 signatures of other scales, then its own',
    rules: [...times(15, (i) => linux(i < 7 ? i : i + 1)), linux(7)],
    packet: syn,
    verdict: 'drop',
  },
  { name: 'a pattern, SYN', rules: ['drop if dns.qry.name matches "*.example.com"'], packet: syn, verdict: 'pass' },
  {
    name: 'a pattern, question of it',
    rules: ['drop if dns.qry.name matches "*.example.com"'],
    packet: question,
    verdict: 'drop',
  },
  {
    name: '63 other patterns, then its own',
    rules: [
      ...times(63, (i) => `drop if dns.qry.name matches "*.example${i}.com"`),
      'drop if dns.qry.name matches "*.example.com"',
    ],
    packet: question,
    verdict: 'drop',
  },
  {
    name: 'connections of the source, SYN',
    rules: ['drop if tcp.flags & SAFR == S and conn.count per ip.src >= 100'],
    packet: syn,
    verdict: 'pass',
  },
]

function loadDrop(): Promise<Program> {
  const asm = new Assembler()
  asm.mov(r0, Xdp.drop)
  asm.exit()
  return Program.load({ type: 'xdp', name: 'floor', instructions: asm.assemble(() => 0), license: 'Dual BSD/GPL' })
}

export const bench: Bench = async function* signatures({ runs, repeat }) {
  using drop = await loadDrop()
  for (const { name, rules, packet, verdict } of CASES) {
    const loaded = await loadRules(ruleSetOf(rules))
    try {
      yield judge({
        bench: 'signatures',
        case: name,
        keys: 'hot',
        floor: measureTestRun(drop, packet, { runs, repeat }),
        value: measureTestRun(loaded.program, packet, { runs, repeat, expect: Xdp[verdict] }),
        unit: 'ns',
      })
    } finally {
      loaded.close()
    }
  }
}
