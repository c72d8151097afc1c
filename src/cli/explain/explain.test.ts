import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Probe } from '../../firewall/index.ts'
import { dissect } from '../../net/dissect.ts'
import { evaluate, type RuleSet } from '../../rules/index.ts'
import { parseRule } from '../../rules/rule-text.ts'
import { parseHexPacket } from '../packets/hex.ts'
import { compare, decidedBy, why } from './decided-by.ts'
import { explainPackets } from './explain.ts'
import { replayPackets } from './replay.ts'
import type { RuleSource } from './rule-source.ts'

const udp = parseHexPacket(
  '020000000002020000000001080045000020000100004011 8e05c6336407c0000201007b1092000c000041414141',
)
const rules = [
  'seen: count if udp',
  'cap: limit 1/s if udp',
  'far: drop if not (ip.ttl > 60 and udp.payload[0:2] == 1)',
]
const ruleSet: RuleSet = { rules: rules.map((text) => parseRule(text)), malformed: 'drop' }
const environment = () => Promise.resolve({ sets: { has: () => false } })
const source: RuleSource = { origin: 'test', ruleSet, environment }

function answering(...probes: readonly Probe[]): RuleSource {
  const program = { live: true, tag: 'a', liveTag: 'a' }
  return {
    ...source,
    probe: async (packets) => ({ program, probes: packets.map((_, index) => probes[index % probes.length]!) }),
  }
}

const far: Probe = { verdict: 'drop', decidedBy: 'far', matched: ['seen', 'cap', 'far'] }

test('explainPackets() traces every term with what the packet has', async () => {
  const [one] = (await explainPackets(source, [udp])).packets
  assert.equal(one!.evaluator.decidedBy, 'far')
  assert.equal(one!.kernel, null)
  assert.equal(one!.agreement, null)
  assert.deepEqual(
    one!.rules.map((rule) => rule.outcome),
    ['matched', 'matched', 'decided'],
  )
  const [not] = one!.rules[2]!.terms
  assert.equal(not!.result, true)
  assert.deepEqual(
    not!.terms!.map(({ result, value }) => [result, value]),
    [
      [true, '64'],
      [false, '4141'],
    ],
  )
})

test('explainPackets() compares with the kernel', async () => {
  const agreement = async (probe: Probe) => (await explainPackets(answering(probe), [udp])).packets[0]!.agreement
  assert.equal(await agreement(far), 'same')
  assert.equal(await agreement({ verdict: 'drop', decidedBy: 'cap', matched: ['seen', 'cap'] }), 'limited')
  assert.equal(await agreement({ verdict: 'pass', decidedBy: 'default', matched: [] }), 'different')
  assert.equal(await agreement({ verdict: 'pass', decidedBy: 'cap', matched: ['seen', 'cap'] }), 'different')
})

test('explainPackets() says of a tcpdump expression whether it holds', async () => {
  const rule = parseRule('drop if udp and not pcap("udp[8:2] = 0x4141")')
  const [one] = (await explainPackets({ ...source, ruleSet: { rules: [rule], malformed: 'drop' } }, [udp])).packets
  const [, not] = one!.rules[0]!.terms
  assert.deepEqual(
    [not!.result, not!.terms!.map(({ text, result }) => [text, result])],
    [false, [['pcap("udp[8:2] = 0x4141")', true]]],
  )
})

test('explainPackets() says of a malformed packet that no rule saw it', async () => {
  const [one] = (await explainPackets(source, [udp.subarray(0, 20)])).packets
  assert.equal(one!.evaluator.decidedBy, 'malformed:ip_truncated')
  assert.deepEqual(one!.rules, [])
})

test('decidedBy() and why() use the words of the kernel side', () => {
  const decide = (bytes: Uint8Array) => decidedBy(evaluate(ruleSet, dissect(bytes), { sets: { has: () => false } }))
  assert.equal(decide(udp), 'far')
  assert.equal(decide(new Uint8Array(3)), 'malformed:eth_truncated')
  assert.equal(why('default'), 'as no rule decided')
  assert.equal(why('malformed:eth_truncated'), 'as malformed: eth_truncated')
  assert.equal(compare({ verdict: 'pass', reason: 'default', matched: [] }, far, ruleSet), 'different')
})

test('replayPackets() sums up by what decided, in the order of the rules', async () => {
  const arp = parseHexPacket('0200000000020200000000010806')
  const packets = [udp, arp, udp, udp.subarray(0, 5)]
  const result = await replayPackets(source, packets)
  assert.deepEqual(
    result.rows.map((row) => [row.decidedBy, row.verdict, row.evaluator, row.kernel]),
    [
      ['far', 'drop', 3, null],
      ['malformed:eth_truncated', 'drop', 1, null],
    ],
  )
  assert.equal(result.bytes, 46 + 14 + 46 + 5)
})

test('replayPackets() counts what limits dropped apart, and shows the first disagreements only', async () => {
  const limited = await replayPackets(
    answering(far, { verdict: 'drop', decidedBy: 'cap', matched: [] }),
    Array(10).fill(udp),
  )
  assert.equal(limited.limited, 5)
  assert.equal(limited.disagreed, 0)
  const wrong = await replayPackets(
    answering({ verdict: 'pass', decidedBy: 'default', matched: [] }),
    Array(1_500).fill(udp),
  )
  assert.equal(wrong.disagreed, 1_500)
  assert.equal(wrong.disagreements.length, 10)
  assert.deepEqual(wrong.disagreements[9]!.packet, 10)
})
