import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseExpr } from '../../rules/parser.ts'
import { splitMatch } from './match.ts'

const matchesOf = (text: string, family: 4 | 6 = 4) => splitMatch(parseExpr(text), family).counts

test('connlimit() counts the connection that the packet opens as well', () => {
  const per = '--connlimit-mask 32 --connlimit-saddr'
  assert.deepEqual(matchesOf('tcp.flags == S and conn.count per ip.src > 8'), [
    `-m connlimit --connlimit-above 9 ${per}`,
  ])
  assert.deepEqual(matchesOf('tcp.flags == S and conn.count per ip.src >= 8'), [
    `-m connlimit --connlimit-above 8 ${per}`,
  ])
  assert.deepEqual(matchesOf('tcp.flags == S and conn.count per ip.src < 8'), [
    `-m connlimit --connlimit-upto 8 ${per}`,
  ])
  assert.deepEqual(matchesOf('tcp.flags == S and not conn.count per ip.src > 8'), [
    `-m connlimit --connlimit-upto 9 ${per}`,
  ])
})

test('connlimit() counts by prefixes of the family', () => {
  const text = 'tcp.flags & 0x12 == 0x02 and conn.count per ip.src/24/48 > 8'
  assert.match(matchesOf(text)[0]!, /--connlimit-mask 24 --connlimit-saddr$/)
  assert.match(matchesOf(text, 6)[0]!, /--connlimit-mask 48 --connlimit-saddr$/)
})

test('connlimit() is refused where it would mean something else', () => {
  assert.throws(
    () => matchesOf('tcp.flags == S and conn.count per ip.src == 8'),
    /^RuleProblem: "conn\.count … == 8", wanted/,
  )
  for (const text of [
    'conn.count per ip.src > 8',
    'tcp.flags.syn and conn.count per ip.src > 8',
    'tcp.flags == SA and conn.count per ip.src > 8',
  ]) {
    assert.throws(() => matchesOf(text), /^RuleProblem: a count of connections .*wanted "tcp\.flags == S and …"$/, text)
  }
  assert.equal(matchesOf('tcp.flags.syn and not tcp.flags.ack and conn.count per ip.src > 8').length, 1)
})
