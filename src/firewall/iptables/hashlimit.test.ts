import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Action } from '../../rules/ast.ts'
import { parseRule } from '../../rules/rule-text.ts'
import type { Family } from './family.ts'
import { hashlimit, MAX_ERROR } from './hashlimit.ts'

type Limit = Extract<Action, { kind: 'limit' }>

const limitOf = (text: string) => parseRule(`limit ${text} if true`).action as Limit
const textOf = (text: string, family: Family = 4) => hashlimit('dns', limitOf(text), family).text

test('hashlimit() says a limit in the words of iptables-save', () => {
  assert.match(
    textOf('1000/s burst 200'),
    /^-m hashlimit --hashlimit-above 1000\/sec --hashlimit-burst 200 --hashlimit-name seawall-dns-[0-9a-f]{8} /,
  )
  assert.match(textOf('5/m per ip.src'), /above 5\/min --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-name/)
  assert.match(textOf('1/s per ip.dst, ip.src/24'), /--hashlimit-mode srcip,dstip .* --hashlimit-srcmask 24$/)
  assert.match(textOf('1/s per ip.dst, ip.src/24', 6), /--hashlimit-srcmask 56 --hashlimit-dstmask 64$/)
  assert.match(textOf('7/h'), /above 7\/hour/)
})

test('hashlimit() keeps a key until its burst has come back', () => {
  assert.match(textOf('1/m burst 30 per ip.src'), /--hashlimit-htable-expire 1801000$/)
  assert.match(textOf('1k/s burst 1k per ip.src'), /--hashlimit-htable-expire 10000$/)
})

test('hashlimit() names another table for other parameters, as a table keeps those that it was made with', () => {
  const name = (text: string) => /--hashlimit-name (\S+)/.exec(textOf(text))![1]
  assert.equal(name('10/s per ip.src'), name('10/s per ip.src'))
  assert.equal(new Set(['10/s', '11/s', '10/s burst 11', '10/s per ip.src', '10/s per ip.src/24'].map(name)).size, 5)
})

test('hashlimit() keeps every rate that it takes to two percent, and takes all up to 25k/s', () => {
  for (let rate = 1; rate <= 1_000_000; rate += rate < 30_000 ? 1 : 97) {
    try {
      const { rate: kept } = hashlimit('x', { kind: 'limit', rate, burst: 1, per: { kind: 'rule' } }, 4)
      assert.ok(Math.abs(kept / rate - 1) <= MAX_ERROR, `${rate} is kept as ${kept}`)
    } catch (error) {
      assert.equal((error as Error).name, 'RuleProblem')
      assert.ok(rate > 25_000, `${rate} refused`)
    }
  }
})

test('hashlimit() refuses what cannot be kept, with what can', () => {
  assert.throws(() => textOf('2M/s'), /^RuleProblem: the rate 2000000\/s, wanted at most 1000000\/s$/)
  assert.throws(() => textOf('300k/s'), /the rate 300000\/s, wanted one .* such as 250000\/s or 333333\/s$/)
  assert.throws(() => textOf('10k/s burst 2M'), /a burst of 2000000, wanted at most 1000000$/)
  assert.throws(() => textOf('1/h burst 25'), /a burst of 25 at 1\/h, wanted one that comes back in a day, at most 24$/)
})
