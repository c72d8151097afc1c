import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { VerifierError } from '../../src/bpf/index.ts'
import { buildPacket, ethernet, ipv4, udp } from '../../src/net/build.ts'
import { dissect } from '../../src/net/dissect.ts'
import type { RuleSet } from '../../src/rules/ast.ts'
import { CompileError } from '../../src/rules/compile/index.ts'
import { malformedSlot, PASSED_BY_DEFAULT } from '../../src/rules/counters.ts'
import { type Decision, evaluate } from '../../src/rules/evaluate.ts'
import { formatRule, parseRule } from '../../src/rules/index.ts'
import { type RandomCase, randomCase, setsOf } from '../arbitraries/case.ts'
import { garbage } from '../arbitraries/garbage.ts'
import { Random } from '../arbitraries/random.ts'
import { type LoadedRules, slotOf } from '../support/load-rules.ts'
import { assertVerdict, PacketRunner, type Verdict } from '../support/packet-runner.ts'

/** Set SEAWALL_PAIRS for a longer run, and SEAWALL_SEED to begin elsewhere. */
const WANTED_PAIRS = Number(process.env.SEAWALL_PAIRS ?? 110_000)
const FIRST_SEED = Number(process.env.SEAWALL_SEED ?? 1)
const PACKETS_A_CASE = Math.min(4096, WANTED_PAIRS / 4)

let runner: PacketRunner

before(async () => {
  runner = await PacketRunner.create()
})

after(() => runner.close())

/** What the program must do for what the evaluator decides. */
function expected(ruleSet: RuleSet, decision: Decision): Verdict {
  const verdict = decision.verdict === 'drop' ? 1 : 2
  if (decision.reason === 'default') return { slot: PASSED_BY_DEFAULT, verdict }
  if (decision.reason === 'malformed') return { slot: malformedSlot[decision.malformed!], verdict }
  return { slot: slotOf(ruleSet.rules.findIndex(({ id }) => id === decision.rule)), verdict }
}

function explain({ seed, ruleSet }: RandomCase, packet: Uint8Array, kernel: Verdict, wanted: Verdict): string {
  const rules = [kernel.slot, wanted.slot]
    .map((slot) => ruleSet.rules[slot - slotOf(0)])
    .flatMap((rule) => (rule ? [formatRule(rule)] : []))
  const hex = Buffer.from(packet).toString('hex')
  return `seed ${seed}: kernel ${JSON.stringify(kernel)}, evaluator ${JSON.stringify(wanted)}\npacket ${hex}\n${rules.join('\n')}`
}

/** Rule sets that one program cannot hold are refused, and say so; they are no disagreement. */
async function tryLoad(random: RandomCase): Promise<LoadedRules | undefined> {
  try {
    return await runner.load(random.ruleSet, random.sets)
  } catch (error) {
    if (error instanceof CompileError) return undefined
    if (error instanceof VerifierError && error.log.some((line) => line.includes('BPF program is too large')))
      return undefined
    throw error
  }
}

function compare(random: RandomCase, loaded: LoadedRules): void {
  const env = { sets: setsOf(random.sets) }
  const matched = new Map<string, number>()
  const verdicts = runner.run(loaded, random.packets)
  random.packets.forEach((packet, i) => {
    const decision = evaluate(random.ruleSet, packet, env)
    const wanted = expected(random.ruleSet, decision)
    assertVerdict(verdicts[i], wanted, () => explain(random, packet, verdicts[i]!, wanted))
    for (const id of decision.matched) matched.set(id, (matched.get(id) ?? 0) + 1)
  })
  random.ruleSet.rules.forEach(({ id, action }, index) => {
    if (action.kind === 'limit') return
    assert.equal(loaded.packets(slotOf(index)), matched.get(id) ?? 0, `seed ${random.seed}: counter of rule ${id}`)
  })
}

test('compile agrees with the evaluator on verdict, rule and counters of random rule sets and packets', async (t) => {
  let pairs = 0
  let refused = 0
  let seed = FIRST_SEED
  for (; pairs < WANTED_PAIRS; seed++) {
    const random = randomCase(seed, { packets: PACKETS_A_CASE })
    const loaded = await tryLoad(random)
    if (!loaded) {
      refused++
      continue
    }
    try {
      compare(random, loaded)
    } finally {
      loaded.close()
    }
    pairs += random.packets.length
  }
  t.diagnostic(`${pairs} pairs agree, seeds ${FIRST_SEED} to ${seed - 1}; ${refused} rule sets refused as too complex`)
  assert.ok(refused * 4 < seed - FIRST_SEED, `${refused} of ${seed - FIRST_SEED} rule sets were too complex`)
})

/** Set SEAWALL_GARBAGE for fewer packets, in thousands. */
const ROUNDS = Math.ceil(Number(process.env.SEAWALL_GARBAGE ?? 1024) / 8)

test(`compiled rules neither crash nor disagree on ${ROUNDS * 8192} garbage packets of every length`, async () => {
  const texts = [
    'drop if tcp.options.mss < 500 or tcp.options.tsval == 5',
    'count if udp.payload[0:4] == 0x41414141',
    'drop if dns.qry.type == ANY or dns.qry.name == "example.com"',
    'drop if ip.frag or ipv6.ext_count > 2 or udp.payload contains "abc"',
    'drop if p0f("*:64-:0:*:mss*4,*:mss,?77,sack,ws:bad:*") or p0f("4:64:0:*:*,*:mss:df,id+:*")',
    'drop if dns.qry.name matches "*.example.?.com" or dns.qry.name matches "?"',
    'pass if ip.src in {10.0.0.0/8, 2001:db8::/32} and tcp.flags & 0x12 == 0x02',
  ]
  const rules = texts.map((text, i) => ({ ...parseRule(text), id: `r${i}` }))
  const ruleSet: RuleSet = { rules, malformed: 'drop' }
  const loaded = await runner.load(ruleSet, new Map())
  const random = new Random(20_261_123)
  const env = { sets: setsOf(new Map()) }
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const packets = Array.from({ length: 8192 }, (_, i) => garbage(random, 14 + ((round * 8192 + i) % 1987)))
      const verdicts = runner.run(loaded, packets)
      for (let i = round % 16; i < packets.length; i += 16)
        assertVerdict(verdicts[i], expected(ruleSet, evaluate(ruleSet, packets[i]!, env)), () =>
          Buffer.from(packets[i]!).toString('hex'),
        )
    }
  } finally {
    loaded.close()
  }
})

/** Rule sets of about a hundred rules. */
const LARGE_SETS = Math.min(20, Math.ceil(WANTED_PAIRS / 150))

test('compile lets the first rule decide among many of all shapes that match the same packets', async () => {
  const terms = [
    'udp',
    'ip.ttl < 65',
    'ip.ttl > 63',
    'udp.dstport == 53',
    'udp.srcport in {1-1000}',
    'ip.src in {10.0.0.0/8}',
    'ip.dst == 10.0.0.2',
    'frame.len > 45',
    'ip.proto == 17',
    'ip.len > 30',
  ]
  for (let seed = FIRST_SEED; seed < FIRST_SEED + LARGE_SETS; seed++) {
    const random = new Random(seed)
    const texts = random.list(70, 150, () => random.list(1, 4, () => random.pick(terms)).join(' and '))
    const rules = texts.map((text, i) => ({
      ...parseRule(`${random.pick(['drop', 'pass'])} if ${text} and udp.dstport != ${i}`),
      id: `r${i}`,
    }))
    const ruleSet: RuleSet = { rules, malformed: 'drop' }
    const packets = random.list(200, 200, () =>
      buildPacket(
        ethernet(),
        ipv4({
          src: random.pick(['10.0.0.1', '11.0.0.1']),
          dst: random.pick(['10.0.0.2', '10.0.0.3']),
          ttl: random.int(63, 66),
        }),
        udp({ srcport: random.pick([5, 5000]), dstport: random.int(50, 56) }),
        'x'.repeat(random.int(0, 6)),
      ),
    )
    const loaded = await runner.load(ruleSet, new Map())
    try {
      const wanted = packets.map((packet) =>
        expected(ruleSet, evaluate(ruleSet, dissect(packet), { sets: setsOf(new Map()) })),
      )
      assert.deepEqual(runner.run(loaded, packets), wanted, `seed ${seed}`)
    } finally {
      loaded.close()
    }
  }
})
