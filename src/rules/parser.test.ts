import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Expr } from './ast.ts'
import { RuleError } from './errors.ts'
import { parseExpr } from './parser.ts'
import { formatExpr } from './print.ts'

/** Two texts of one tree. */
const same = (text: string, other: string): void =>
  assert.deepEqual(parseExpr(text), parseExpr(other), `${text} / ${other}`)

const flag = (field: 'tcp' | 'udp' | 'ipv6'): Expr => ({ kind: 'flag', field })

test('parseExpr() binds "not" closer than "and", and "and" closer than "or"', () => {
  assert.deepEqual(parseExpr('tcp or udp and not ipv6'), {
    kind: 'or',
    terms: [flag('tcp'), { kind: 'and', terms: [flag('udp'), { kind: 'not', term: flag('ipv6') }] }],
  })
  same('tcp and udp or ipv6', '(tcp and udp) or ipv6')
  same('not udp.dstport == 53', 'not (udp.dstport == 53)')
  assert.deepEqual(parseExpr('(tcp or udp) and ipv6'), {
    kind: 'and',
    terms: [{ kind: 'or', terms: [flag('tcp'), flag('udp')] }, flag('ipv6')],
  })
})

test('parseExpr() flattens equal operators however they are nested', () => {
  assert.deepEqual(parseExpr('tcp and (udp and ipv6) and tcp'), {
    kind: 'and',
    terms: [flag('tcp'), flag('udp'), flag('ipv6'), flag('tcp')],
  })
})

test('parseExpr() takes every spelling of an operator', () => {
  same('tcp && udp || ! ipv6', 'tcp and udp or not ipv6')
  for (const [word, symbol] of Object.entries({ eq: '==', ne: '!=', lt: '<', le: '<=', gt: '>', ge: '>=' })) {
    same(`ip.ttl ${word} 5`, `ip.ttl ${symbol} 5`)
  }
  same('ip.ttl in {1, 2, 4-6}', 'ip.ttl in {1 2 4..6}')
  same('ip.ttl in 4-6', 'ip.ttl in {4-6,}')
  same('ip.src in $bogons', 'ip.src in {$bogons}')
  same('ip.src not in $bogons', 'not ip.src in $bogons')
})

test('parseExpr() reads numbers in hexadecimal, with suffixes and by name', () => {
  same('tcp.dstport == 0x50', 'tcp.dstport == 80')
  same('tcp.seq > 2M and tcp.window > 10k', 'tcp.seq > 2000000 and tcp.window > 10000')
  same('ip.proto == UDP', 'ip.proto == 17')
  same('dns.qry.type in {any, Aaaa}', 'dns.qry.type in {255, 28}')
  same('tcp.flags == SA', 'tcp.flags == 0x12')
  same('tcp.flags & SAFR == S', 'tcp.flags & 0x17 == 0x02')
  same('eth.type == arp', 'eth.type == 0x0806')
})

test('parseExpr() reads slices as Wireshark does', () => {
  same('udp.payload[2:2] == 7', 'udp.payload[2-3] == 7')
  same('udp.payload[:1] == 7', 'udp.payload[0] == 7')
  same('udp.payload[0:4] == "\\xde\\xad\\xBE\\xef"', 'udp.payload[0:4] == de:ad:be:ef')
  same('udp.payload contains "ab"', 'udp.payload[0:256] contains 61:62')
})

test('parseExpr() takes a range of addresses for the prefixes that make it up', () => {
  same('ip.src in {10.0.0.1-10.0.0.6, ::1}', 'ip.src in {10.0.0.1, 10.0.0.2/31, 10.0.0.4/31, 10.0.0.6, ::1}')
  same('ip.src in 2001:db8::-2001:db8::ffff', 'ip.src in {2001:db8::/112}')
})

test('parseExpr() reads escapes in texts', () => {
  same('udp.payload[0:7] == "\\n\\r\\t\\0\\"\\\\a"', 'udp.payload[0:7] == 0a:0d:09:00:22:5c:61')
  same('udp.payload[0:2] == "é"', 'udp.payload[0:2] == c3:a9')
})

test('parseExpr() takes a pair for either field, and for both if it is negated', () => {
  same('udp.port == 53', 'udp.srcport == 53 or udp.dstport == 53')
  same('udp.port != 53', 'udp.srcport != 53 and udp.dstport != 53')
  same('ip.addr in $a', 'ip.src in $a or ip.dst in $a')
  same('ip.addr not in $a', 'not (ip.src in $a or ip.dst in $a)')
  same('eth.addr == ff:ff:ff:ff:ff:ff', 'eth.src == ff:ff:ff:ff:ff:ff or eth.dst == ff:ff:ff:ff:ff:ff')
  same('tcp.port & 0xff00 == 0 and tcp', '(tcp.srcport & 0xff00 == 0 or tcp.dstport & 0xff00 == 0) and tcp')
})

test('parseExpr() takes a flag that is compared with true for the flag', () => {
  same('ip.frag == true', 'ip.frag')
  same('ip.frag == 1', 'ip.frag')
  assert.throws(() => parseExpr('ip.frag == false'), { code: 'RULE_TYPE', suggestion: 'write "not ip.frag"' })
  assert.throws(() => parseExpr('ip.frag != 1'), { suggestion: 'write "not ip.frag"' })
})

test('parseExpr() points at what it does not take', () => {
  assert.throws(() => parseExpr('udp and\n  udp.dstport == 70000 and tcp'), {
    name: 'RuleTypeError',
    code: 'RULE_RANGE',
    line: 2,
    column: 18,
    length: 5,
    message:
      'The value 70000 does not fit "udp.dstport", wanted 0 to 65535, at line 2, column 18\n' +
      '    udp.dstport == 70000 and tcp\n' +
      '                   ^^^^^',
  })
  assert.throws(() => parseExpr('tcp.dstprt == 5'), {
    message:
      'Unknown field "tcp.dstprt" (did you mean "tcp.dstport"?), at line 1, column 1\n' +
      '  tcp.dstprt == 5\n' +
      '  ^^^^^^^^^^',
  })
})

test('parseExpr() keeps the caret under tabs and at the end', () => {
  assert.throws(() => parseExpr('\tudp and'), { message: /column 9\n {2}\tudp and\n {2}\t {7}\^$/ })
})

/** Text, code, and what the message has to hold. */
const refused: readonly (readonly [string, string, RegExp])[] = [
  ['', 'RULE_SYNTAX', /Found the end, wanted a field/],
  ['udp.dstport', 'RULE_SYNTAX', /wanted a comparison of "udp.dstport" with a number from 0 to 65535/],
  ['udp udp', 'RULE_SYNTAX', /Found "udp", wanted "and", "or" or the end/],
  ['(udp', 'RULE_SYNTAX', /Found the end, wanted "\)"/],
  ['udp)', 'RULE_SYNTAX', /Found "\)", wanted "and"/],
  ['not', 'RULE_SYNTAX', /wanted a field, "not" or "\("/],
  ['udp and or tcp', 'RULE_UNKNOWN_FIELD', /Unknown field "or"/],
  ['5 == 5', 'RULE_SYNTAX', /Found "5", wanted a field/],
  ['port == 53', 'RULE_UNKNOWN_FIELD', /did you mean "udp.port" or "tcp.port"\?/],
  ['ipv6.src == ::1', 'RULE_UNKNOWN_FIELD', /did you mean "ip.src"\?/],
  ['toString', 'RULE_UNKNOWN_FIELD', /Unknown field "toString"/],
  ['banana == 1', 'RULE_UNKNOWN_FIELD', /docs\/rules.md lists all fields/],
  ['udp.dstport == 5x', 'RULE_TYPE', /with "5x": it takes a number/],
  ['udp.dstport == "53"', 'RULE_TYPE', /write 53 without quotes/],
  ['udp.dstport == 10.0.0.1', 'RULE_TYPE', /with "10.0.0.1": it takes a number/],
  ['udp.dstport == {1}', 'RULE_SYNTAX', /write "udp.dstport in {…}"/],
  ['udp.dstport == 1-5', 'RULE_SYNTAX', /write "udp.dstport in {1-…}"/],
  ['udp.dstport in {}', 'RULE_TYPE', /is empty/],
  ['udp.dstport in {9-3}', 'RULE_RANGE', /runs backwards \(write 3-9\)/],
  ['udp.dstport in {1-70000}', 'RULE_RANGE', /70000 does not fit/],
  ['udp.dstport in $bogons', 'RULE_TYPE', /sets hold addresses/],
  ['udp.dstport in', 'RULE_SYNTAX', /Found the end, wanted a number/],
  ['udp.dstport in {1', 'RULE_SYNTAX', /Found the end, wanted "," or "}"/],
  ['ip.dscp == 64', 'RULE_RANGE', /64 does not fit "ip.dscp", wanted 0 to 63/],
  ['ip.proto == upd', 'RULE_TYPE', /did you mean "udp"\?/],
  ['ip.src == 10.0.0.1/8', 'RULE_TYPE', /host bits are set.*write 10.0.0.0\/8/],
  ['ip.src == 10.0.0', 'RULE_TYPE', /wanted an address and a length/],
  ['ip.src == 10.0.0.0/33', 'RULE_TYPE', /length is "33", wanted 0 to 32/],
  ['ip.src == 5', 'RULE_TYPE', /it takes an IP address or prefix/],
  ['ip.src == $bogons', 'RULE_TYPE', /write "ip.src in \$bogons"/],
  ['ip.src < 10.0.0.1', 'RULE_TYPE', /Cannot order "ip.src" with "<"/],
  ['ip.src & 5 == 10.0.0.0', 'RULE_TYPE', /masks are for numbers \(compare with a prefix/],
  ['ip.ttl & "a" == 0', 'RULE_SYNTAX', /wanted a number as mask/],
  ['ip.src in {10.0.0.9-10.0.0.1}', 'RULE_TYPE', /runs backwards/],
  ['ip.src in {10.0.0.1-::9}', 'RULE_TYPE', /two addresses of one family/],
  ['ip.src in {10.0.0.0/8-11.0.0.0/8}', 'RULE_TYPE', /such as 192.0.2.1-192.0.2.9/],
  ['eth.src in {00:00:00:00:00:01-00:00:00:00:00:05}', 'RULE_TYPE', /ranges are of numbers and addresses/],
  ['dns.qry.name in {"a"-"b"}', 'RULE_TYPE', /ranges are of numbers and addresses/],
  ['ip.src in $bogon', 'RULE_UNKNOWN_SET', /did you mean \$bogons\?/],
  ['ip.src in $zzz', 'RULE_UNKNOWN_SET', /known sets: bogons/],
  ['eth.src == 10:20', 'RULE_TYPE', /it takes a MAC address/],
  ['eth.src < 00:00:00:00:00:01', 'RULE_TYPE', /Cannot order/],
  ['dns.qry.name == foo', 'RULE_TYPE', /write "foo" in quotes/],
  ['dns.qry.name == "a..b"', 'RULE_TYPE', /label "" has 0 bytes/],
  ['dns.qry.name == "bücher.example"', 'RULE_TYPE', /xn--/],
  ['dns.qry.name contains "a"', 'RULE_TYPE', /"contains" is for payloads/],
  ['udp.payload == "abc"', 'RULE_TYPE', /write a slice/],
  ['udp.payload', 'RULE_SYNTAX', /write "udp.payload\[0:4\] == …" or "udp.payload contains …"/],
  ['udp.payload[0:4] == "abc"', 'RULE_RANGE', /write udp.payload\[0:3\]/],
  ['udp.payload[0:4] < "abcd"', 'RULE_TYPE', /Cannot order/],
  ['udp.payload[0:5] == 5', 'RULE_TYPE', /write at most 4 bytes/],
  ['udp.payload[0:1] == 256', 'RULE_RANGE', /256 does not fit/],
  ['udp.payload[1499:2] == 5', 'RULE_RANGE', /ends at byte 1501, wanted at most 1500/],
  ['udp.payload[0:0] == 5', 'RULE_RANGE', /is empty/],
  ['udp.payload[5-2] == 5', 'RULE_RANGE', /is empty/],
  ['udp.payload[4:] == 5', 'RULE_SYNTAX', /write the length too, such as \[4:4\]/],
  ['udp.payload[a] == 5', 'RULE_SYNTAX', /Cannot read slice "\[a\]"/],
  ['udp.payload[0:2] in {1, "ab"}', 'RULE_TYPE', /Cannot mix bytes and numbers/],
  [`udp.payload[0:65] == "${'a'.repeat(65)}"`, 'RULE_RANGE', /has 65 bytes, wanted at most 64/],
  ['udp.payload contains 5', 'RULE_SYNTAX', /Wanted bytes behind "contains"/],
  ['udp.payload contains ""', 'RULE_RANGE', /looks for 0 bytes, wanted 1 to 32/],
  [`udp.payload contains "${'a'.repeat(33)}"`, 'RULE_RANGE', /looks for 33 bytes/],
  ['udp.payload[0:2] contains "abc"', 'RULE_RANGE', /they never fit/],
  ['udp.payload[0:257] contains "abc"', 'RULE_RANGE', /has 257 bytes, wanted at most 256/],
  ['udp.dstport[0:2] == 5', 'RULE_TYPE', /only payloads have slices/],
  ['udp.dstport contains "a"', 'RULE_TYPE', /"contains" is for payloads/],
  ['tcp.flags & 0x10 == 2', 'RULE_RANGE', /"tcp.flags & 0x10" can never be 0x2/],
  ['tcp.flags & 0 == 0', 'RULE_RANGE', /the result is always 0/],
  ['tcp.flags & 0x100 == 0', 'RULE_RANGE', /The mask 256 does not fit/],
  ['tcp.flags == SS', 'RULE_TYPE', /it takes a number/],
  ['ip.frag == maybe', 'RULE_TYPE', /write "ip.frag" or "not ip.frag"/],
  ['ip.frag in {1}', 'RULE_TYPE', /it takes no value/],
]

test('parseExpr() refuses what makes no sense, with a code and a remedy', () => {
  for (const [text, code, message] of refused) {
    assert.throws(() => parseExpr(text, { sets: ['bogons'] }), { code, message }, text)
  }
})

test('parseExpr() refuses deep nesting and does not run out of stack', () => {
  assert.throws(() => parseExpr('('.repeat(100_000)), { code: 'RULE_SYNTAX', message: /at most 64/ })
  assert.throws(() => parseExpr('not '.repeat(100_000)), { code: 'RULE_SYNTAX' })
  assert.equal(parseExpr(`${'udp and '.repeat(10_000)}udp`).kind, 'and')
})

test('parseExpr() throws nothing but rule errors, whatever the text', () => {
  const words = [
    'udp',
    'udp.dstport',
    'ip.src',
    'not',
    'and',
    '(',
    ')',
    '==',
    'in',
    '{',
    '}',
    '-',
    '53',
    '::1',
    '"a"',
    '$x',
    '[0:2]',
  ]
  const rest = [
    'udp.payload',
    'contains',
    '&',
    '0x12',
    '10.0.0.0/8',
    'dns.qry.name',
    ',',
    'udp.port',
    '#',
    '\n',
    'eth.src',
    '"',
    ':',
    'é',
  ]
  const text = fc.array(fc.constantFrom(...words, ...rest), { maxLength: 12 }).map((parts) => parts.join(' '))
  fc.assert(
    fc.property(fc.oneof(text, fc.string()), (source) => {
      try {
        assert.deepEqual(parseExpr(formatExpr(parseExpr(source))), parseExpr(source))
      } catch (error) {
        if (!(error instanceof RuleError)) throw error
        assert.ok(error.line !== undefined && error.column !== undefined, error.message)
      }
    }),
    { numRuns: 3000 },
  )
})
