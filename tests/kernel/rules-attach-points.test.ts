import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VerifierError } from '../../src/bpf/index.ts'
import type { Expr, RuleSet } from '../../src/rules/ast.ts'
import { CompileError } from '../../src/rules/compile/index.ts'
import { malformedSlot, PASSED_BY_DEFAULT } from '../../src/rules/counters.ts'
import { evaluate } from '../../src/rules/evaluate.ts'
import { formatRule, parseRule } from '../../src/rules/index.ts'
import { type RandomCase, randomCase, setsOf } from '../arbitraries/case.ts'
import { type LoadedRules, loadRules, slotOf } from '../support/load-rules.ts'

/** Set SEAWALL_PAIRS for a longer run, and SEAWALL_SEED to begin elsewhere. */
const WANTED_PAIRS = Number(process.env.SEAWALL_PAIRS ?? 20_000)
const FIRST_SEED = Number(process.env.SEAWALL_SEED ?? 1)

/** The slot that decides by the evaluator, and what becomes of the packet. */
function expected(ruleSet: RuleSet, packet: Uint8Array, sets: ReturnType<typeof setsOf>) {
  const { verdict, reason, malformed, rule } = evaluate(ruleSet, packet, { sets })
  if (reason === 'default') return { slot: PASSED_BY_DEFAULT, verdict }
  if (reason === 'malformed') return { slot: malformedSlot[malformed!], verdict }
  return { slot: slotOf(ruleSet.rules.findIndex(({ id }) => id === rule)), verdict }
}

/** Rules that ask for what iptables and sockets have no more. */
function asksForFrame(expr: Expr): boolean {
  return /\b(eth\.(src|dst)|vlan)\b/.test(formatRule({ id: 'x', action: { kind: 'drop' }, when: expr }))
}

async function tryLoad(ruleSet: RuleSet, options: Parameters<typeof loadRules>[1]): Promise<LoadedRules | undefined> {
  try {
    return await loadRules(ruleSet, options)
  } catch (error) {
    if (error instanceof CompileError) return undefined
    if (error instanceof VerifierError && error.log.some((line) => line.includes('BPF program is too large')))
      return undefined
    throw error
  }
}

/** What a test run makes an skb of: more than an Ethernet header, with no length where the EtherType belongs, and a whole IP header if there is one. */
function makesSkb(packet: Uint8Array): boolean {
  const type = new DataView(packet.buffer, packet.byteOffset).getUint16(12)
  return packet.length >= (type === 0x0800 ? 34 : type === 0x86dd ? 54 : 15) && type >= 0x600
}

/** Runs all packets that a test run takes; returns how many. */
function compare(loaded: LoadedRules, ruleSet: RuleSet, random: RandomCase): number {
  const sets = setsOf(random.sets)
  const packets = random.packets.filter(makesSkb)
  for (const packet of packets) {
    const { result } = loaded.program.testRun({ data: packet })
    const found = { slot: loaded.takeTrace()?.slot, verdict: result === 0 ? 'pass' : 'drop' }
    const wanted = expected(ruleSet, packet, sets)
    assert.deepEqual(found, wanted, `seed ${random.seed}, packet ${Buffer.from(packet).toString('hex')}`)
  }
  return packets.length
}

test('compile for xt_bpf agrees with the evaluator on random rule sets and packets', async (t) => {
  let pairs = 0
  let refused = 0
  let seed = FIRST_SEED
  for (; pairs < WANTED_PAIRS; seed++) {
    const random = randomCase(seed, { packets: 4096, minLength: 15 })
    const ruleSet = { ...random.ruleSet, rules: random.ruleSet.rules.filter(({ when }) => !asksForFrame(when)) }
    const loaded = await tryLoad(ruleSet, { attach: 'xt_bpf', sets: random.sets, trace: true })
    if (loaded === undefined) {
      refused++
      continue
    }
    try {
      pairs += compare(loaded, ruleSet, random)
    } finally {
      loaded.close()
    }
  }
  t.diagnostic(`${pairs} pairs agree, seeds ${FIRST_SEED} to ${seed - 1}; ${refused} rule sets refused as too complex`)
  assert.ok(refused * 4 < seed - FIRST_SEED, `${refused} of ${seed - FIRST_SEED} rule sets were too complex`)
})

test('compile refuses fields of the frame where there is none, and names rule and field', async () => {
  const ruleSet: RuleSet = {
    rules: [{ ...parseRule('drop if udp and not vlan.id == 5'), id: 'tagged' }],
    malformed: 'drop',
  }
  for (const attach of ['socket', 'xt_bpf'] as const)
    await assert.rejects(loadRules(ruleSet, { attach }), { code: 'not_there', message: /rule "tagged".*"vlan.id"/ })
  ;(await loadRules(ruleSet)).close()
})
