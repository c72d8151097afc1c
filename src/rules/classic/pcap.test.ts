import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildPacket, type Content, ethernet, ipv4, tcp, vlan } from '../../net/build.ts'
import { drop } from '../builder.ts'
import { RuleError, ruleErrorCodes } from '../errors.ts'
import { evaluate } from '../evaluate.ts'
import { parseExpr } from '../parser.ts'
import { formatExpr } from '../print.ts'
import { parseRule } from '../rule-text.ts'
import { pcap } from './pcap.ts'

const SYN = 0x02
const syn = (payload = '', ...tags: readonly Content[]) =>
  buildPacket(ethernet(), ...tags, ipv4(), tcp({ flags: SYN }), payload)
const matches = (text: string, packet: Uint8Array): boolean => {
  const rules = [parseRule(`drop if ${text}`)]
  return evaluate({ rules, malformed: 'drop' }, packet, { sets: { has: () => false } }).verdict === 'drop'
}

function problemOf(text: string): { code: string; place: string; message: string } {
  try {
    parseRule(text)
  } catch (error) {
    assert.ok(error instanceof RuleError, `${error}`)
    const { code, line, column, length, message } = error
    assert.equal(line, 1)
    return { code, place: text.slice(column! - 1, column! - 1 + length!), message }
  }
  return assert.fail(`${text} is fine`)
}

test('pcap("…") sees the frame from its Ethernet header on, and its length', () => {
  const text = 'pcap("tcp[13] & 2 != 0 and len > 60")'
  assert.equal(syn().length, 54)
  assert.ok(!matches(text, syn()))
  assert.ok(!matches(text, syn('123456')))
  assert.ok(matches(text, syn('1234567')))
  assert.ok(!matches(text, syn('1234567', vlan({ id: 5 }))), 'tcpdump too wants "vlan and …" for tagged frames')
  assert.ok(matches('pcap("vlan 5 and tcp[13] & 2 != 0")', syn('', vlan({ id: 5 }))))
  assert.ok(matches('not pcap("udp") and tcp', syn()))
})

test('pcap("…") is false where it reads behind the end or divides by zero', () => {
  assert.ok(!matches('pcap("ether[54] = 0")', syn()))
  assert.ok(!matches('pcap("not ether[54] = 0")', syn()), 'as in tcpdump, the whole expression is false')
  assert.ok(matches('not pcap("ether[54] = 0")', syn()), 'and "not" of the rule turns that round')
  assert.ok(!matches('pcap("len / (len - 54) >= 0")', syn()))
  assert.ok(matches('pcap("len / (len - 54) >= 0")', syn('1')))
})

test('pcap("…") is printed as it was written, and made by the builder', () => {
  for (const text of ['pcap("udp port 53")', 'pcap("ip proto \\\\tcp") or not pcap("ether[0] = 0x22")']) {
    assert.equal(formatExpr(parseExpr(text)), text)
    assert.deepEqual(parseExpr(formatExpr(parseExpr(text))), parseExpr(text))
  }
  assert.deepEqual(parseRule('drop if pcap("ip proto \\\\tcp")'), drop(pcap('ip proto \\tcp')))
  assert.throws(() => pcap('udp port'), { name: 'RuleSyntaxError', code: ruleErrorCodes.pcap })
})

test('pcap("…") gives the words of libpcap for what it refuses, with the place', () => {
  const { code, place, message } = problemOf('drop if udp and pcap("tcp[13 &")')
  assert.equal(code, ruleErrorCodes.pcap)
  assert.equal(place, '"tcp[13 &"')
  assert.match(message, /^Cannot compile the pcap expression: libpcap says ".*syntax error", at line 1, column 22\n/)
  assert.match(problemOf('drop if pcap("ip broadcast")').message, /libpcap says "netmask not known/)
  assert.match(problemOf('drop if pcap("tcp and udp")').message, /libpcap says "expression rejects all packets"/)
})

test('pcap("…") refuses what is no expression, names of hosts, and what the classic machine cannot do', () => {
  const cases: readonly [string, string, RegExp][] = [
    ['drop if pcap "udp"', '"udp"', /^Found "udp", wanted "\("/],
    ['drop if pcap(udp)', 'udp', /^Found "udp", wanted a tcpdump expression in double quotes/],
    ['drop if pcap("udp"', '', /^Found the end, wanted "\)"/],
    ['drop if pcap(" ")', '" "', /^A pcap expression is empty/],
    ['drop if pcap("udp prot 53")', 'prot', /^Unknown word "prot" in a pcap expression \(did you mean "port"\?\)/],
    ['drop if pcap("host a.example")', 'a.example', /\(write addresses, as a rule must not depend on name servers\)/],
    [
      'drop if pcap("ip proto \\tcp")',
      '"ip proto \\tcp"',
      /^A pcap expression holds "\\t", .*backslash is written twice/,
    ],
    ['drop if pcap("host ä")', 'ä', /^A pcap expression holds "ä", wanted printable ASCII/],
    ['drop if pcap("ip6 protochain 6")', '"ip6 protochain 6"', /"ja 4", jumps backwards, as "protochain" does/],
    ['drop if pcap("inbound")', '"inbound"', /k 0xfffff004\) asks the socket and not the packet/],
    [`drop if pcap("${'udp or '.repeat(150)}udp")`, 'p', /has 1053 characters, wanted at most 1024 \(put addresses/],
  ]
  for (const [text, place, words] of cases) {
    const problem = problemOf(text)
    assert.match(problem.message, words)
    assert.equal(problem.place, place, text)
  }
})

test('pcap() takes any text or throws a rule error', () => {
  const parts = [
    'udp',
    'port',
    '53',
    'tcp[',
    'len',
    ']',
    '(',
    ')',
    'not',
    'and',
    '>> 33',
    '/ 0',
    '= 1',
    'vlan',
    'mpls',
    '\\ip',
    'proto',
  ]
  const strange = [
    '[0xffffffff]',
    '-',
    ':4',
    '&',
    '!',
    'net',
    '10.0.0.0/33',
    '\0',
    'é',
    'inbound',
    'protochain',
    '$5',
    '"',
    'ether',
  ]
  const text = fc.array(fc.constantFrom(...parts, ...strange), { maxLength: 14 }).map((parts) => parts.join(' '))
  fc.assert(
    fc.property(fc.oneof(text, fc.string()), (source) => {
      try {
        const { expr } = pcap(source)
        assert.deepEqual(parseExpr(formatExpr(expr)), expr)
      } catch (error) {
        if (!(error instanceof RuleError)) throw error
      }
    }),
    { numRuns: 2000 },
  )
})
