import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Action } from './ast.ts'
import { RuleError } from './errors.ts'
import { formatRule, formatRuleBody } from './print.ts'
import { parseLimitKey, parseRate, parseRule, parseRules } from './rule-text.ts'

const action = (text: string): Action => parseRule(`${text} if udp`).action
const ids = (text: string): string[] => parseRules(text).map(({ id }) => id)

test('parseRule() reads every action', () => {
  assert.deepEqual(action('drop'), { kind: 'drop' })
  assert.deepEqual(action('pass'), { kind: 'pass' })
  assert.deepEqual(action('count'), { kind: 'count' })
  assert.deepEqual(action('sample 1/1k'), { kind: 'sample', every: 1000 })
  assert.deepEqual(action('limit 10k/s burst 20k'), {
    kind: 'limit',
    rate: 10_000,
    burst: 20_000,
    per: { kind: 'rule' },
  })
})

test('parseRule() reads limits in any order and fills in what is left out', () => {
  const per = { kind: 'address', parts: [{ field: 'ip.src', bits4: 24, bits6: 56 }] }
  assert.deepEqual(action('limit 5/m per ip.src/24'), { kind: 'limit', rate: 5 / 60, burst: 1, per })
  assert.deepEqual(action('limit 5/s per ip.src/24 burst 9'), { kind: 'limit', rate: 5, burst: 9, per })
  assert.deepEqual(action('limit 90/m'), { kind: 'limit', rate: 1.5, burst: 2, per: { kind: 'rule' } })
  assert.deepEqual(action('limit 5/h per rule'), { kind: 'limit', rate: 5 / 3600, burst: 1, per: { kind: 'rule' } })
})

test('parseLimitKey() pairs IPv6 bits with IPv4 bits', () => {
  for (const [text, bits4, bits6] of [
    ['ip.dst', 32, 64],
    ['ip.dst/24', 24, 56],
    ['ip.dst/16', 16, 48],
    ['ip.dst/0', 0, 0],
    ['ip.dst/24/128', 24, 128],
  ] as const) {
    assert.deepEqual(parseLimitKey(text), { kind: 'address', parts: [{ field: 'ip.dst', bits4, bits6 }] }, text)
  }
})

test('parseLimitKey() reads ports, alone and with addresses, and they are printed behind', () => {
  assert.deepEqual(parseLimitKey('udp.dstport'), { kind: 'address', parts: [], ports: ['udp.dstport'] })
  const text = 'limit 1/s per ip.dst, udp.dstport if udp'
  assert.equal(formatRuleBody(parseRule(text)), text)
  assert.equal(
    formatRuleBody(parseRule('limit 1/s per tcp.srcport, ip.src if tcp')),
    'limit 1/s per ip.src, tcp.srcport if tcp',
  )
  for (const wrong of ['udp.dstport, udp.dstport', 'icmp.type', 'ip.ttl'])
    assert.throws(() => parseRule(`limit 1/s per ${wrong} if udp`), RuleError, wrong)
})

test('parseRate() reads packets a second, minute and hour', () => {
  assert.deepEqual(['1/s', '2k/s', '3/m', '1M/h'].map(parseRate), [1, 2000, 3 / 60, 1e6 / 3600])
  assert.throws(() => parseRate('10'), { code: 'RULE_SYNTAX', suggestion: 'write the unit of the rate: /s, /m or /h' })
  assert.throws(() => parseRate('10/s x'), { message: /Found "x", wanted the end/ })
})

test('parseRule() takes an id in front, and derives one otherwise', () => {
  assert.equal(parseRule('dns.flood-1: drop if udp').id, 'dns.flood-1')
  const { id } = parseRule('drop if udp.dstport == 53')
  assert.match(id, /^drop-[0-9a-f]{8}$/)
  assert.equal(parseRule('drop  if (udp.dstport eq 0x35) # the same').id, id)
  assert.notEqual(parseRule('drop if udp.dstport == 54').id, id)
})

test('formatRule() prints the id only if it is not the derived one', () => {
  assert.equal(formatRule(parseRule('drop if udp')), 'drop if udp')
  assert.equal(formatRule(parseRule('x: limit 1000/s per ip.src/24/56 if udp')), 'x: limit 1000/s per ip.src/24 if udp')
  assert.equal(formatRule(parseRule('limit 60/m burst 1 if udp')), 'limit 1/s if udp')
})

test('parseRules() parts rules at lines that are not indented', () => {
  const rules = parseRules('# first\na: drop if udp\n  and ip.frag\n\n  # within\n  and ip.ttl < 5\nb: pass if tcp\n')
  assert.deepEqual(rules.map(formatRule), ['a: drop if udp and ip.frag and ip.ttl < 5', 'b: pass if tcp'])
  assert.deepEqual(parseRules(''), [])
  assert.deepEqual(parseRules('\n  # nothing\n'), [])
})

test('parseRules() tells equal rules apart, and refuses equal ids', () => {
  const [first, second, third] = ids('drop if udp\ndrop if udp\ndrop if udp')
  assert.deepEqual([second, third], [`${first}-2`, `${first}-3`])
  assert.throws(() => parseRules('a: drop if udp\nb: pass if tcp\na: pass if tcp'), {
    code: 'RULE_DUPLICATE_ID',
    line: 3,
    column: 1,
    message: /^Two rules have the id "a", wanted every id once, at line 3/,
  })
  assert.throws(() => parseRules(['a: drop if udp', 'a: pass if tcp']), { code: 'RULE_DUPLICATE_ID' })
})

test('parseRules() counts lines from the start of the whole text', () => {
  assert.throws(() => parseRules('a: drop if udp\nb: drop if udp\n  and x'), { line: 3, column: 7, length: 1 })
})

test('parseRules() takes the names of sets from anything that can be counted through once', () => {
  const sets = new Map([['a', 1]])
  assert.equal(parseRules(['drop if ip.src in $a', 'drop if ip.dst in $a'], { sets: sets.keys() }).length, 2)
  assert.throws(() => parseRules(['drop if ip.src in $a', 'drop if ip.dst in $b'], { sets: sets.keys() }), {
    code: 'RULE_UNKNOWN_SET',
  })
})

test('parseRule() refuses what is not a rule', () => {
  for (const [text, message] of [
    ['udp', /Found "udp", wanted "drop", "pass"/],
    ['dorp if udp', /did you mean "drop"\?/],
    ['deny if udp', /did you mean "drop"\?/],
    ['accept if udp', /did you mean "pass"\?/],
    ['drop', /wanted "if" \(write "if true" to match every packet\)/],
    ['drop udp', /Found "udp", wanted "if"/],
    ['limit 5 if udp', /write the unit of the rate/],
    ['limit 5/d if udp', /wanted "s", "m" or "h"/],
    ['limit 0/s if udp', /The rate 0\/s cannot be kept/],
    ['limit 2000M/s if udp', /at most 1000000000\/s/],
    ['limit 5/s burst 0 if udp', /The burst is 0, wanted a whole number from 1/],
    ['limit 1/h burst 200 if udp', /takes 720000 s to come back, wanted at most a week/],
    ['limit 5/s burst 5 burst 5 if udp', /Found "burst", wanted/],
    ['limit 5/s per udp.port if udp', /wanted "ip.src", "ip.dst", a port or "rule"/],
    ['limit 5/s per ip.src, ip.src if udp', /names an address or port twice/],
    ['limit 5/s per ip.src/33 if udp', /wanted 0 to 32/],
    ['limit 5/s per ip.src/24/129 if udp', /wanted 0 to 128/],
    ['sample 2/5 if udp', /wanted "1\/N"/],
    ['sample 1/0 if udp', /N is 0, wanted a whole number from 1/],
    ['drop if udp if tcp', /Found "if", wanted "and", "or" or the end/],
  ] as const) {
    assert.throws(() => parseRule(text), { message }, text)
  }
})
