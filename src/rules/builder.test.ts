import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Rule } from './ast.ts'
import { all, always, any, count, drop, field, limit, never, not, pass, range, sample, set } from './builder.ts'
import { formatRule } from './print.ts'
import { parseRule } from './rule-text.ts'

const { dns, eth, ip, tcp, udp } = field

const twins: readonly (readonly [Rule, string])[] = [
  [
    drop(udp.dstport.eq(53).and(ip.src.in(set('bogons')), ip.frag.not()), { id: 'dns' }),
    'dns: drop if udp.dstport == 53 and ip.src in $bogons and not ip.frag',
  ],
  [pass(udp.port.eq(53)), 'pass if udp.port == 53'],
  [pass(udp.port.ne(53)), 'pass if udp.port != 53'],
  [drop(ip.addr.notIn('10.0.0.0/8', '2001:db8::/32')), 'drop if ip.addr not in {10.0.0.0/8, 2001:db8::/32}'],
  [count(tcp.flags.mask(0x12).eq(0x02)), 'count if tcp.flags & 0x12 == 0x02'],
  [count(tcp.flags.syn.and(not(tcp.flags.ack))), 'count if tcp.flags.syn and not tcp.flags.ack'],
  [drop(ip.proto.in('udp', 'gre', range(200, 255))), 'drop if ip.proto in {udp, gre, 200-255}'],
  [drop(eth.dst.eq('ff:ff:ff:ff:ff:ff')), 'drop if eth.dst == ff:ff:ff:ff:ff:ff'],
  [drop(dns.qry.name.in('WWW.example.com.', '')), 'drop if dns.qry.name in {"www.example.com", "."}'],
  [drop(dns.qry.name.len.gt(100).or(dns.qry.type.eq('ANY'))), 'drop if dns.qry.name.len > 100 || dns.qry.type == any'],
  [drop(udp.payload.slice(0, 4).eq(Uint8Array.of(0xde, 0xad, 0xbe, 0xef))), 'drop if udp.payload[0:4] == de:ad:be:ef'],
  [drop(udp.payload.slice(0, 2).in(7, range(10, 20))), 'drop if udp.payload[:2] in {7, 10..20}'],
  [drop(udp.payload.slice(4, 1).mask(0x80).ne(0)), 'drop if udp.payload[4] & 0x80'],
  [drop(tcp.payload.contains('GET /')), 'drop if tcp.payload contains "GET /"'],
  [drop(udp.payload.slice(4, 16).contains('ab')), 'drop if udp.payload[4:16] contains "ab"'],
  [
    drop(any(all(udp, ip.ttl.lt(3)), tcp.len.ge(1400), never)),
    'drop if udp and ip.ttl < 3 or tcp.len >= 1400 or false',
  ],
  [limit(dns, { rate: '10k/s', per: 'ip.src/24' }), 'limit 10k/s per ip.src/24 if dns'],
  [
    limit(always, { rate: 5, burst: 50, per: 'ip.src, ip.dst', id: 'x' }),
    'x: limit 5/s burst 50 per ip.src/32/64, ip.dst if true',
  ],
  [limit(tcp, { rate: '5/m' }), 'limit 5/m if tcp'],
  [sample(udp, { every: 100 }), 'sample 1/100 if udp'],
]

test('builder and parseRule() make the same trees', () => {
  for (const [built, text] of twins) assert.deepEqual(built, parseRule(text), text)
})

test('formatRule() prints built rules so that they are read back', () => {
  for (const [built] of twins) assert.deepEqual(parseRule(formatRule(built)), built)
})

test('builder takes addresses and prefixes as they are', () => {
  const address = { family: 4, value: 0x0a000001n } as const
  assert.deepEqual(ip.src.eq(address), ip.src.eq('10.0.0.1'))
  assert.deepEqual(ip.src.eq({ family: 4, value: 0x0a000000n, length: 8 }), ip.src.eq('10.0.0.0/8'))
})

test('builder refuses at once what the language refuses', () => {
  assert.throws(() => udp.dstport.eq(65_536), { code: 'RULE_RANGE', message: /65536 does not fit "udp.dstport"/ })
  assert.throws(() => ip.src.eq('10.0.0.1/8'), { code: 'RULE_TYPE', message: /write 10\.0\.0\.0\/8/ })
  assert.throws(() => udp.payload.slice(0, 4).eq('abc'), { code: 'RULE_RANGE', message: /write udp\.payload\[0:3\]/ })
  assert.throws(() => udp.dstport.in(), { message: /is empty/ })
  assert.throws(() => udp.dstport.in(range(9, 3)), { message: /runs backwards/ })
  assert.throws(() => limit(udp, { rate: 0 }), { code: 'RULE_LIMIT' })
  assert.throws(() => limit(udp, { rate: '1/s', per: 'ip.srx' as 'ip.src' }), { name: 'RuleSyntaxError' })
})

test('builder types take only values of the field', () => {
  const wrong = [
    // @ts-expect-error a port is no text
    () => udp.dstport.eq('53'),
    // @ts-expect-error an address is no number
    () => ip.src.eq(1),
    // @ts-expect-error sets hold addresses
    () => udp.dstport.in(set('bogons')),
    // @ts-expect-error addresses have no ranges
    () => ip.src.in(range(1, 2)),
    // @ts-expect-error no protocol has this name
    () => ip.proto.eq('upd'),
    // @ts-expect-error names have no order
    () => dns.qry.name.lt('a'),
    // @ts-expect-error a payload is compared by slices
    () => udp.payload.eq('abc'),
    // @ts-expect-error a flag has no value
    () => tcp.flags.syn.eq(true),
    // @ts-expect-error no field has this name
    () => udp.dport.eq(53),
    // @ts-expect-error a rule needs a condition
    () => drop('udp'),
    // @ts-expect-error a limit needs a rate
    () => limit(udp, {}),
  ]
  for (const build of wrong) assert.throws(build)
})
