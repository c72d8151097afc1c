/** Rules in iptables decide as the evaluator says, packet by packet, on the whole way through the network stack. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readSets } from '../../src/cli/read-sets.ts'
import { loadConfig } from '../../src/config/index.ts'
import type { IptablesInput, Variant } from '../../src/firewall/iptables/index.ts'
import { set16 } from '../../src/net/bytes.ts'
import { checksum } from '../../src/net/checksum.ts'
import { dissect } from '../../src/net/dissect.ts'
import { parseMac } from '../../src/net/mac.ts'
import type { Rule } from '../../src/rules/ast.ts'
import { readsEthernetAddresses } from '../../src/rules/classic/index.ts'
import { RuleError } from '../../src/rules/errors.ts'
import { evaluate } from '../../src/rules/evaluate.ts'
import { formatRule } from '../../src/rules/print.ts'
import { parseRule } from '../../src/rules/rule-text.ts'
import { PrefixSet } from '../../src/rules/sets/index.ts'
import { randomCase } from '../arbitraries/case.ts'
import { randomPcap } from '../arbitraries/pcap.ts'
import { Random } from '../arbitraries/random.ts'
import { HOST_MAC, harmless, reflected } from '../support/reflected.ts'
import { IptablesWorld } from './firewall-iptables-world.ts'

const FIRST_SEED = 7_000
const SEEDS = 4

let world: IptablesWorld
before(() => {
  world = new IptablesWorld()
})
after(() => world.remove())

type Counts = Record<string, { ipv4: number; ipv6: number }>

/** What each rule should count, by the evaluator. */
function expected({ desired, sets }: IptablesInput, packets: readonly Uint8Array[]): Counts {
  const counts: Counts = { '(malformed)': { ipv4: 0, ipv6: 0 } }
  for (const { id } of desired.rules) counts[id] = { ipv4: 0, ipv6: 0 }
  for (const packet of packets) {
    const family = packet[12] === 0x08 ? 'ipv4' : 'ipv6'
    const decision = evaluate(desired, packet, { sets: { has: (name, address) => sets.get(name)!.includes(address) } })
    if (decision.reason === 'malformed') counts['(malformed)']![family]++
    for (const id of decision.matched) counts[id]![family]++
  }
  return counts
}

/** What each rule counts in the kernel; rules that no packet of any family can match are not there. */
async function counted(variant: Variant, what: IptablesInput, packets: readonly Uint8Array[]): Promise<Counts> {
  const iptables = world.open(variant)
  await iptables.apply(what)
  for (const packet of packets) await world.receive(packet)
  const { malformed, rules } = await iptables.status()
  await iptables.undo()
  const counts: Counts = {}
  for (const { id } of what.desired.rules) counts[id] = { ipv4: 0, ipv6: 0 }
  for (const { id, ipv4, ipv6 } of [{ id: '(malformed)', ...malformed }, ...rules])
    counts[id] = { ipv4: ipv4.packets, ipv6: ipv6.packets }
  return counts
}

/** The frame as one that reaches iptables, or nothing: what IP itself refuses, and what is not IP, never does. */
function arriving(frame: Uint8Array): Uint8Array[] {
  const packet = frame.slice()
  new DataView(packet.buffer).setBigUint64(0, (BigInt(parseMac(HOST_MAC)) << 16n) | 0x0200n)
  const { etherType, vlans, ipVersion, malformed, l4, bytes } = dissect(packet)
  if (vlans.length > 0 || ipVersion === 0 || /^(eth|vlan|ip)_/.test(malformed ?? '')) return []
  if (etherType === 0x0800) {
    const header = packet.subarray(14, 14 + (packet[14]! & 15) * 4)
    set16(header, 10, 0)
    set16(header, 10, checksum(header))
    return [packet]
  }
  // IPv6 reads hop-by-hop options before iptables sees the packet, and refuses multicast and loopback as addresses of other hosts.
  const refused = bytes[20] === 0 || [22, 38].some((at) => bytes[at] === 0xff || bytes[at] === 0)
  return refused || l4 < 0 ? [] : [packet]
}

/** Rules that tell where they matched, without fields of the frame. Limits and samples have tests of their own. */
function comparable(rules: readonly Rule[]): Rule[] {
  return rules
    .filter((rule) => !/\b(eth\.(src|dst)|vlan|frame\.len)\b/.test(formatRule(rule)))
    .map((rule) =>
      rule.action.kind === 'limit' || rule.action.kind === 'sample' ? { ...rule, action: { kind: 'count' } } : rule,
    )
}

for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
  const variant = seed % 2 === 0 ? 'nft' : 'legacy'
  test(`Iptables (${variant}) counts at each rule what the evaluator says, seed ${seed}`, async () => {
    const { ruleSet, packets, sets } = randomCase(seed, { packets: 200 })
    const arrived = packets.flatMap(arriving)
    const rules: Rule[] = [{ id: 'first', action: { kind: 'count' }, when: { kind: 'literal', value: true } }]
    const desired = {
      interfaces: [{ name: 'sea0', mode: 'auto' as const }],
      malformed: ruleSet.malformed,
      rules: [...rules, ...comparable(ruleSet.rules).slice(0, 25)],
      sets: new Map(),
    }
    const what = {
      desired,
      sets: new Map([...sets].map(([name, prefixes]) => [name, new PrefixSet(prefixes)] as const)),
    }
    assert.ok(arrived.length > 20, `only ${arrived.length} packets`)
    assert.deepEqual(await counted(variant, what, arrived), expected(what, arrived))
  })
}

/** Rules of random tcpdump expressions that iptables can be asked. */
function pcapRules(random: Random, count: number): Rule[] {
  const rules: Rule[] = []
  while (rules.length < count) {
    try {
      const rule = parseRule(`p${rules.length}: count if pcap(${JSON.stringify(randomPcap(random))})`)
      const reads = rule.when.kind === 'pcap' && readsEthernetAddresses(rule.when.program)
      if (!reads) rules.push(rule)
    } catch (error) {
      // Some of them libpcap refuses.
      if (!(error instanceof RuleError)) throw error
    }
  }
  return rules
}

for (const [seed, variant] of [
  [FIRST_SEED, 'nft'],
  [FIRST_SEED + 1, 'legacy'],
] as const) {
  test(`Iptables (${variant}) counts at tcpdump expressions what the evaluator says, seed ${seed}`, async () => {
    const { packets } = randomCase(seed, { packets: 200 })
    // Padding is gone in iptables, and a tcpdump expression could ask for it.
    const arrived = packets.flatMap(arriving).map((packet) => packet.slice(0, dissect(packet).end))
    const rules = pcapRules(new Random(seed), 40)
    const interfaces = [{ name: 'sea0', mode: 'auto' as const }]
    const what = { desired: { interfaces, malformed: 'drop' as const, rules, sets: new Map() }, sets: new Map() }
    const { commits } = await world.open(variant).plan(what)
    const classic = commits[0]!.text.split('\n').filter((line) => line.includes(' --bytecode ')).length
    assert.ok(classic > 20, `${classic} of 40 as bytecode`)
    assert.deepEqual(await counted(variant, what, arrived), expected(what, arrived))
  })
}

test('Iptables drops what the published lists are for, and counts it at the right rule', async () => {
  const { desired } = await loadConfig('examples/config-bogons-and-reflectors.yaml')
  // Packets under a limit pass and are not counted.
  const rules = desired.rules.filter(({ action }) => action.kind !== 'limit')
  const interfaces = [{ name: 'sea0', mode: 'auto' as const }]
  const what = { desired: { ...desired, rules, interfaces }, sets: await readSets(desired) }
  const packets = [...reflected, ...harmless].map(({ packet }) => packet)
  for (const variant of ['nft', 'legacy'] as const) {
    assert.deepEqual(await counted(variant, what, packets), expected(what, packets))
  }
})
