import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FIRST_RULE_SLOT } from '../counters.ts'
import { parseRule } from '../index.ts'
import { compile } from './index.ts'

/** Instructions of a program with a rule for each expression. */
function lengthOf(...exprs: string[]): number {
  const rules = exprs.map((expr, i) => ({ ...parseRule(`drop if ${expr}`), id: `r${i}` }))
  const env = { sets: new Map(), counterSlot: () => FIRST_RULE_SLOT, clock: { hz: 250, jiffiesAtZero: 0n }, secret: 1n }
  return compile({ rules, malformed: 'drop' }, env).slots.length
}

const linux = (scale: number, ttl = 64) => `p0f("*:${ttl}:0:*:mss*44,${scale}:mss,sok,ts,nop,ws:df,id+:0")`

test('compile asks once for what signatures have in common', () => {
  const [one, two] = [lengthOf(linux(1)), lengthOf(linux(1), linux(2))]
  assert.ok(two - one < 100, `a second signature takes ${two - one} instructions`)
  const many = lengthOf(...Array.from({ length: 32 }, (_, i) => linux(1, 64 + i)))
  assert.ok(many - one < 500, `31 signatures that differ in the TTL take ${many - one} instructions`)
})

test('compile leaves out signatures that no packet can have', () => {
  const nothing = lengthOf('false')
  for (const signature of [
    '4:64:0:*:*,*::ack-:0',
    '4:64:3:*:*,*:::0',
    '6:64:8:*:*,*:::0',
    '4:64:0:*:*,*::df,id-:0',
    '4:64:0:*:*,*::id+:0',
    '*:64:0:*:*,*:mss,nop::0',
    '*:64:0:*:mss*4,*:nop,nop,sok::0',
    '*:64:0:*:*,*:mss:urgf+,uptr+:0',
    '*:64:0:*:*,*:mss:opt+:0',
  ])
    assert.equal(lengthOf(`p0f("${signature}")`), nothing, signature)
})

test('compile keeps the starts of labels for patterns only, and as many as they need', () => {
  const name = lengthOf('dns.qry.name == "a.example.com"')
  assert.equal(lengthOf('dns.qry.name matches "a.example.com"'), name)
  const short = lengthOf('dns.qry.name matches "*.example.com"')
  const long = lengthOf(`dns.qry.name matches "*${'.?'.repeat(20)}.example.com"`)
  assert.ok(long > short && long < short + 30, `${long} instructions instead of ${short}`)
})
