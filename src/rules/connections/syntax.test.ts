import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildPacket, ethernet, ipv4, tcp } from '../../net/build.ts'
import { dissect } from '../../net/dissect.ts'
import { compile } from '../compile/index.ts'
import { FIRST_RULE_SLOT } from '../counters.ts'
import { evaluateExpr } from '../evaluate.ts'
import { connections, formatExpr, parseExpr, parseRule } from '../index.ts'

test('parseExpr() reads conn.count, and formatExpr() prints it', () => {
  assert.deepEqual(parseExpr('conn.count per ip.src > 1k'), {
    kind: 'connections',
    bits4: 32,
    bits6: 64,
    op: '>',
    value: 1000,
  })
  for (const text of [
    'conn.count per ip.src > 100',
    'conn.count per ip.src/24 == 0',
    'conn.count per ip.src/24/48 <= 7',
    'conn.count per ip.src/32/128 != 1',
    'not (conn.count per ip.src/0 < 5)',
  ])
    assert.equal(formatExpr(parseExpr(text)), text)
})

test('connections() makes the tree that the text makes', () => {
  assert.deepEqual(connections().gt(100).expr, parseExpr('conn.count per ip.src > 100'))
  assert.deepEqual(connections(24).ge(5).expr, parseExpr('conn.count per ip.src/24 >= 5'))
  assert.deepEqual(connections(24, 48).le(5).expr, parseExpr('conn.count per ip.src/24/48 <= 5'))
  assert.throws(() => connections(33).lt(5), { code: 'RULE_RANGE', message: /prefix length 33/ })
})

test('parseExpr() refuses a conn.count that cannot be, and points at what is wrong', () => {
  for (const [text, at, message] of [
    ['conn.count > 5', '>', /Found ">", wanted "per" \(such as conn.count per ip.src > 100\)/],
    ['conn.count per ip.dst > 5', 'ip.dst', /wanted "ip.src" \(connections are counted by who opened them\)/],
    ['conn.count per ip.src/33 > 5', '33', /Found "33", wanted IPv4 prefix bits from 0 to 32/],
    ['conn.count per ip.src/24/129 > 5', '129', /wanted IPv6 prefix bits from 0 to 128/],
    ['conn.count per ip.src', ' ', /wanted a comparison/],
    ['conn.count per ip.src in {1}', 'in', /wanted a comparison/],
    ['conn.count per ip.src > many', 'many', /wanted a number from 0 to 2147483647/],
    [
      'conn.count per ip.src > 3000M',
      'conn.count per ip.src > 3000M',
      /The value 3000000000 does not fit "conn.count"/,
    ],
  ] as const)
    assert.throws(
      () => parseExpr(text),
      (error: { message: string; column: number; length: number }) => {
        assert.match(error.message, message)
        assert.equal(text.slice(error.column - 1, error.column - 1 + error.length) || ' ', at, text)
        return true
      },
    )
})

test('evaluateExpr() asks the environment for the count, takes it for 0 without one, and is false without an address', () => {
  const packet = dissect(buildPacket(ethernet(), ipv4({ src: '192.0.2.7' }), tcp()))
  const env = {
    sets: { has: () => false },
    connections: (source: { value: bigint }, { bits4 }: { bits4: number }) =>
      source.value === 0xc0000207n ? bits4 : 0,
  }
  assert.equal(evaluateExpr(parseExpr('conn.count per ip.src/24 == 24'), packet, env), true)
  assert.equal(evaluateExpr(parseExpr('conn.count per ip.src > 32'), packet, env), false)
  assert.equal(evaluateExpr(parseExpr('conn.count per ip.src == 0'), packet, { sets: env.sets }), true)
  const arp = dissect(buildPacket(ethernet({ type: 0x0806 }), new Uint8Array(28)))
  assert.equal(evaluateExpr(parseExpr('conn.count per ip.src >= 0'), arp, env), false)
})

test('compile needs a map for each pair of lengths, and refuses to count for sockets', () => {
  const rules = ['per ip.src > 5', 'per ip.src > 6', 'per ip.src/24 > 5'].map((text, i) => ({
    ...parseRule(`drop if conn.count ${text}`),
    id: `r${i}`,
  }))
  const env = { sets: new Map(), counterSlot: () => FIRST_RULE_SLOT, clock: { hz: 250, jiffiesAtZero: 0n }, secret: 1n }
  const { maps } = compile({ rules, malformed: 'drop' }, env)
  const counts = maps.filter(({ purpose }) => purpose === 'connections').map(({ symbol, bytes }) => [symbol, bytes])
  assert.deepEqual(counts.sort(), [
    ['connections:24-56', 4_194_304],
    ['connections:32-64', 4_194_304],
  ])
  assert.throws(() => compile({ rules, malformed: 'drop' }, { ...env, attach: 'socket' }), {
    code: 'not_there',
    message: /"r0" for a socket: connections are counted for interfaces only/,
  })
})
