import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  buildPacket,
  type Content,
  dns,
  ethernet,
  extension,
  fragment,
  ipv4,
  ipv6,
  tcp,
  udp,
  vlan,
} from '../net/build.ts'
import { type Prefix, parsePrefix, prefixContains } from '../net/prefix.ts'
import type { RuleSet } from './ast.ts'
import { type Decision, type EvaluationEnv, evaluate } from './evaluate.ts'
import { parseRules } from './rule-text.ts'

const bogons: readonly Prefix[] = ['10.0.0.0/8', 'fc00::/7'].map(parsePrefix)
const env: EvaluationEnv = {
  sets: { has: (name, address) => name === 'bogons' && bogons.some((prefix) => prefixContains(prefix, address)) },
}

const frame = (...contents: Content[]): Uint8Array => buildPacket(ethernet(), ...contents)
const ruleSet = (rules: string, malformed: RuleSet['malformed'] = 'drop'): RuleSet => ({
  rules: parseRules(rules),
  malformed,
})
const decide = (rules: string, packet: Uint8Array): Decision => evaluate(ruleSet(rules), packet, env)

/** Whether an expression is true for a packet. */
const holds = (expr: string, packet: Uint8Array): boolean => decide(`drop if ${expr}`, packet).verdict === 'drop'

function assertTrue(packet: Uint8Array, ...exprs: string[]): void {
  for (const expr of exprs) assert.ok(holds(expr, packet), `${expr} should be true`)
}

function assertFalse(packet: Uint8Array, ...exprs: string[]): void {
  for (const expr of exprs) assert.ok(!holds(expr, packet), `${expr} should be false`)
}

const udpPacket = frame(
  ipv4({ src: '10.1.2.3', dst: '192.0.2.1' }),
  udp({ srcport: 40000, dstport: 4242 }),
  '\xde\xad\xbe\xefabc',
)
const tcpPacket = frame(ipv6({ src: '2001:db8::5' }), tcp({ dstport: 443, flags: 0x12 }), 'GET / HTTP/1.1')

test('evaluate() passes what no rule decides', () => {
  assert.deepEqual(decide('drop if tcp', udpPacket), { verdict: 'pass', reason: 'default', matched: [] })
})

test('evaluate() lets the first rule that decides win, and names all that matched before', () => {
  const rules = 'a: count if udp\nb: sample 1/5 if ip\nc: drop if tcp\nd: pass if udp\ne: drop if udp'
  assert.deepEqual(decide(rules, udpPacket), { verdict: 'pass', reason: 'rule', rule: 'd', matched: ['a', 'b', 'd'] })
})

test('evaluate() goes on behind a limit that is kept, and drops behind one that is not', () => {
  const rules = ruleSet('a: limit 1/s if udp\nb: pass if udp')
  const over = evaluate(rules, udpPacket, { ...env, limiter: (rule) => rule.id === 'a' })
  assert.deepEqual(over, { verdict: 'drop', reason: 'rule', rule: 'a', matched: ['a'] })
  assert.deepEqual(evaluate(rules, udpPacket, env), { verdict: 'pass', reason: 'rule', rule: 'b', matched: ['a', 'b'] })
})

test('evaluate() shows no malformed packet to a rule', () => {
  const cut = udpPacket.subarray(0, 38)
  const rules = ruleSet('drop if true', 'pass')
  assert.deepEqual(evaluate(rules, cut, env), {
    verdict: 'pass',
    reason: 'malformed',
    malformed: 'ip_truncated',
    matched: [],
  })
  assert.equal(evaluate({ ...rules, malformed: 'drop' }, cut, env).verdict, 'drop')
})

test('evaluate() leaves out rules behind their end', () => {
  const rules = {
    rules: parseRules('drop if udp').map((rule) => ({ ...rule, until: 100n })),
    malformed: 'drop',
  } as const
  assert.equal(evaluate(rules, udpPacket, { ...env, now: 100n }).verdict, 'drop')
  assert.equal(evaluate(rules, udpPacket, { ...env, now: 101n }).verdict, 'pass')
  assert.equal(evaluate(rules, udpPacket, env).verdict, 'drop')
})

test('evaluate() holds a comparison for false if the field is not there', () => {
  assertFalse(
    udpPacket,
    'tcp.dstport == 443',
    'tcp.dstport != 443',
    'tcp.dstport < 9',
    'tcp.dstport in {0-65535}',
    'tcp.flags.syn',
  )
  assertTrue(udpPacket, 'not tcp.dstport == 443', 'tcp.dstport not in {443}', 'udp.dstport != 443')
})

test('evaluate() compares numbers', () => {
  assertTrue(
    udpPacket,
    'udp.dstport == 4242',
    'udp.dstport >= 4242',
    'udp.dstport > 4241',
    'udp.dstport < 4243',
    'udp.dstport <= 4242',
  )
  assertFalse(udpPacket, 'udp.dstport != 4242', 'udp.dstport > 4242', 'udp.dstport < 4242')
  assertTrue(
    tcpPacket,
    'tcp.flags & 0x12 == 0x12',
    'tcp.flags & SA',
    'tcp.flags & 0x80 == 0',
    'tcp.flags & 0xf0 < 0x11',
  )
  assertTrue(udpPacket, 'udp.dstport in {1, 4240-4242}')
  assertFalse(udpPacket, 'udp.dstport in {1, 4243-65535}')
})

test('evaluate() compares addresses with prefixes of their family', () => {
  assertTrue(
    udpPacket,
    'ip.src == 10.0.0.0/8',
    'ip.src != 11.0.0.0/8',
    'ip.src == 0.0.0.0/0',
    'ip.src != ::/0',
    'ip.dst in {192.0.2.0/30}',
  )
  assertTrue(udpPacket, 'ip.src in $bogons', 'ip.dst not in $bogons', 'ip.addr in {192.0.2.1}')
  assertTrue(tcpPacket, 'ip.src == 2001:db8::/32', 'ip.src not in $bogons', 'ip.src in {1.2.3.4, 2001:db8::5}')
  assertFalse(tcpPacket, 'ip.src == 0.0.0.0/0')
})

test('evaluate() compares slices as bytes and as big-endian numbers, if all of them are there', () => {
  assertTrue(
    udpPacket,
    'udp.payload[0:4] == de:ad:be:ef',
    'udp.payload[0:4] == 0xdeadbeef',
    'udp.payload[0:2] & 0xff == 0xad',
  )
  assertTrue(udpPacket, 'udp.payload[4:3] == "abc"', 'udp.payload[4:3] in {"xyz", "abc"}', 'udp.payload[1] > 0xac')
  assertFalse(
    udpPacket,
    'udp.payload[4:4] == "abcd"',
    'udp.payload[4:4] != "abcd"',
    'udp.payload[7] >= 0',
    'tcp.payload[0] >= 0',
  )
})

test('evaluate() looks for bytes in what the payload has of the window', () => {
  assertTrue(
    udpPacket,
    'udp.payload contains "abc"',
    'udp.payload[4:100] contains "abc"',
    'udp.payload[6:2] contains "c"',
  )
  assertFalse(
    udpPacket,
    'udp.payload contains "abd"',
    'udp.payload[5:100] contains "abc"',
    'udp.payload[0:6] contains "abc"',
  )
  assertFalse(udpPacket, 'udp.payload[7:2] contains "c"', 'tcp.payload contains "abc"')
})

test('evaluate() compares DNS names without case', () => {
  const query = frame(ipv4(), udp({ dstport: 53 }), dns({ questions: [{ name: 'WWW.Example.com', type: 255 }] }))
  assertTrue(
    query,
    'dns.qry.name == "wwW.example.COM."',
    'dns.qry.name in {"a", "www.example.com"}',
    'dns.qry.name != "example.com"',
  )
  assertFalse(query, 'dns.qry.name == "www.example.co"', 'dns.qry.name == ""', 'dns.qry.name != "www.example.com"')
  assertTrue(query, 'dns.qry.type == ANY and dns.count.labels == 3 and dns.qry.name.len == 15')
})

/** Table 3.6 of the reference: a packet, and whether it is to port 4242. null: malformed. */
const lookalikes: readonly (readonly [string, Uint8Array, boolean | null])[] = [
  ['plain', frame(ipv4(), udp({ dstport: 4242 })), true],
  ['IPv4 options', frame(ipv4({ options: new Uint8Array(8).fill(1) }), udp({ dstport: 4242 })), true],
  ['first IPv4 fragment', frame(ipv4({ flags: 1 }), udp({ dstport: 4242, length: 900 })), true],
  ['plain IPv6', frame(ipv6(), udp({ dstport: 4242 })), true],
  ['802.1Q', frame(vlan(), ipv4(), udp({ dstport: 4242 })), true],
  ['QinQ', frame(vlan({ tag: 0x88a8 }), vlan(), ipv4(), udp({ dstport: 4242 })), true],
  ['later IPv4 fragment', frame(ipv4({ fragmentOffset: 1480 }), udp({ dstport: 4242 })), false],
  ['UDP header cut to 4 bytes', frame(ipv4({ protocol: 17 }), Uint8Array.of(0x9c, 0x40, 0x10, 0x92)), null],
  ['IPv6 hop-by-hop', frame(ipv6(), extension(0), udp({ dstport: 4242 })), true],
  ['IPv6 destination options and routing', frame(ipv6(), extension(60), extension(43), udp({ dstport: 4242 })), true],
  ['first IPv6 fragment', frame(ipv6(), fragment({ more: true }), udp({ dstport: 4242, length: 900 })), true],
  ['later IPv6 fragment', frame(ipv6(), fragment({ offset: 1448 }), udp({ dstport: 4242 })), false],
  [
    'IPv6 with 9 headers',
    frame(ipv6(), ...Array.from({ length: 9 }, () => extension(60)), udp({ dstport: 4242 })),
    null,
  ],
]

test('evaluate() is not deceived by fragments, tags, options and cut headers', () => {
  for (const [name, packet, wanted] of lookalikes) {
    const { verdict, reason } = decide('drop if udp.dstport == 4242', packet)
    assert.equal(reason === 'malformed' ? null : verdict === 'drop', wanted, name)
  }
})
