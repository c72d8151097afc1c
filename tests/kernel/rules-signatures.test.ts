import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { dissect } from '../../src/net/dissect.ts'
import type { Expr, RuleSet } from '../../src/rules/ast.ts'
import { PASSED_BY_DEFAULT } from '../../src/rules/counters.ts'
import { evaluate } from '../../src/rules/evaluate.ts'
import { formatExpr, formatSignature, matchesSignature, parseSignature } from '../../src/rules/index.ts'
import { fieldRef } from '../../src/rules/make.ts'
import { readSyn } from '../../src/rules/signatures/syn.ts'
import { setsOf } from '../arbitraries/case.ts'
import { flipBit, randomDnsPacket, randomSynPacket } from '../arbitraries/packet.ts'
import { pool } from '../arbitraries/pool.ts'
import { Random } from '../arbitraries/random.ts'
import { randomPattern, randomSignature } from '../arbitraries/signature.ts'
import { slotOf } from '../support/load-rules.ts'
import { synOf, synSignatures } from '../support/p0f-database.ts'
import { assertVerdict, PacketRunner } from '../support/packet-runner.ts'

/** Set SEAWALL_PAIRS for a longer run, and SEAWALL_SEED to begin elsewhere. */
const WANTED_PAIRS = Number(process.env.SEAWALL_PAIRS ?? 110_000)
const FIRST_SEED = Number(process.env.SEAWALL_SEED ?? 1)
const PACKETS_A_CASE = Math.min(2048, WANTED_PAIRS / 4)
const env = { sets: setsOf(new Map()) }

let runner: PacketRunner

before(async () => {
  runner = await PacketRunner.create()
})

after(() => runner.close())

/** Compares the kernel with the evaluator on a few random packets and many that differ from them in a bit; a fair share must match. */
async function compareOften(
  t: { diagnostic(text: string): void },
  packetOf: (random: Random) => Uint8Array,
  exprOf: (random: Random, packet: Uint8Array) => Expr,
) {
  let [pairs, decided, seed] = [0, 0, FIRST_SEED]
  for (; pairs < WANTED_PAIRS; seed++) {
    const random = new Random(seed)
    const few = random.list(32, 64, () => packetOf(random))
    const packets = Array.from({ length: PACKETS_A_CASE }, () => {
      const packet = random.pick(few)
      return random.chance(0.6) ? flipBit(random, packet) : packet
    })
    const rules = random.list(1, 8, (i) => {
      const expr = exprOf(random, random.pick(few))
      const when: Expr = random.chance(0.1) ? { kind: 'not', term: expr } : expr
      return { id: `r${i}`, action: { kind: random.chance(0.5) ? 'drop' : 'pass' }, when } as const
    })
    decided += await compareOne(seed, { rules, malformed: 'drop' }, packets)
    pairs += packets.length
  }
  t.diagnostic(`${pairs} pairs agree, seeds ${FIRST_SEED} to ${seed - 1}; a rule decides ${decided} of them`)
  if (pairs >= 100_000)
    assert.ok(decided > pairs / 10 && decided < (pairs * 9) / 10, `a rule decides ${decided} of ${pairs}`)
}

async function compareOne(seed: number, ruleSet: RuleSet, packets: readonly Uint8Array[]): Promise<number> {
  const loaded = await runner.load(ruleSet, new Map())
  try {
    const verdicts = runner.run(loaded, packets)
    const decisions = packets.map((packet) => evaluate(ruleSet, packet, env))
    decisions.forEach(({ reason, rule, verdict }, i) => {
      if (reason === 'malformed') return
      const slot = reason === 'rule' ? slotOf(ruleSet.rules.findIndex(({ id }) => id === rule)) : PASSED_BY_DEFAULT
      assertVerdict(verdicts[i], { slot, verdict: verdict === 'drop' ? 1 : 2 }, () => {
        const rules = ruleSet.rules.map(({ when }) => formatExpr(when)).join('\n')
        return `seed ${seed}, packet ${Buffer.from(packets[i]!).toString('hex')}\n${rules}`
      })
    })
    ruleSet.rules.forEach(({ id, action }, i) => {
      if (action.kind !== 'count') return
      const matched = decisions.filter((decision) => decision.matched.includes(id)).length
      assert.equal(loaded.packets(slotOf(i)), matched, `seed ${seed}, ${id}`)
    })
    return decisions.filter(({ reason }) => reason === 'rule').length
  } finally {
    loaded.close()
  }
}

test('p0f signatures mean the same compiled as evaluated, on random SYNs', (t) =>
  compareOften(t, randomSynPacket, (random, packet) => {
    const syn = random.chance(0.95) ? readSyn(dissect(packet)) : undefined
    return { kind: 'p0f', signature: randomSignature(random, syn) }
  }))

/** SYNs that are none of p0f's own. */
const OTHERS = Math.min(3_000, 3 * WANTED_PAIRS)

test("all of p0f's own signatures of SYNs are one rule set, and mean the same compiled as evaluated", async () => {
  const signatures = synSignatures().map((text) => parseSignature(text))
  assert.ok(signatures.length > 64, `${signatures.length} signatures`)
  const own = signatures.map(synOf)
  own.forEach((packet, i) => {
    assert.ok(matchesSignature(signatures[i]!, readSyn(dissect(packet))!), formatSignature(signatures[i]!))
  })
  const random = new Random(FIRST_SEED)
  const others = random.list(OTHERS, OTHERS, () =>
    random.chance(0.8) ? flipBit(random, random.pick(own)) : randomSynPacket(random),
  )
  const kinds = ['drop', 'pass', 'count'] as const
  for (const kind of kinds) {
    const rules = signatures.map((signature, i) => {
      const action = { kind: kind === 'count' && i % 3 !== 0 ? kinds[i % 2]! : kind }
      return { id: `r${i}`, action, when: { kind: 'p0f', signature } } as const
    })
    const decided = await compareOne(FIRST_SEED, { rules, malformed: 'drop' }, [...own, ...others])
    assert.ok(decided > own.length / 2 && decided < others.length, `${kind}: a rule decides ${decided}`)
  }
})

test('patterns of DNS names mean the same compiled as evaluated, on random names', (t) =>
  compareOften(t, randomDnsPacket, (random) => {
    const pattern = randomPattern(random, random.pick(pool.names).toLowerCase())
    return { kind: 'matches', field: fieldRef('dns.qry.name'), pattern }
  }))
