import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePrefix } from '../../net/prefix.ts'
import { PrefixSet } from '../../rules/sets/index.ts'
import { isOurs, toIpsets } from './ipset.ts'

const setOf = (...prefixes: string[]) => new PrefixSet(prefixes.map(parsePrefix))
const textOf = (name: string, set: PrefixSet, family: 4 | 6) => [...toIpsets(name, set)[family]!.restore()].join('')

test('toIpsets() splits a set by family and writes what ipset restore reads', () => {
  const set = setOf('2001:db8::/32', '198.51.100.0/24', '192.0.2.7')
  const { 4: four, 6: six } = toIpsets('bogons', set)
  assert.match(four!.name, /^seawall4-bogons-[0-9a-f]{8}$/)
  const filling = four!.name.replace('-', '+')
  assert.equal(
    textOf('bogons', set, 4),
    `create ${filling} hash:net family inet hashsize 64 maxelem 3\n` +
      `add ${filling} 192.0.2.7/32\nadd ${filling} 198.51.100.0/24\nrename ${filling} ${four!.name}\n`,
  )
  assert.match(textOf('bogons', set, 6), /family inet6 [^\n]*\nadd seawall6\+bogons-\w+ 2001:db8::\/32\nrename /)
  assert.equal(six!.prefixes, 1)
})

test('toIpsets() makes nothing of a family that has no prefix', () => {
  assert.deepEqual(toIpsets('none', setOf()), { 4: undefined, 6: undefined })
})

test('toIpsets() writes all addresses as two halves, which hash:net knows', () => {
  assert.match(
    textOf('all', setOf('0.0.0.0/0'), 4),
    / maxelem 2\nadd \S+ 0\.0\.0\.0\/1\nadd \S+ 128\.0\.0\.0\/1\nrename /,
  )
  assert.match(textOf('all', setOf('::/0'), 6), /\nadd \S+ ::\/1\nadd \S+ 8000::\/1\nrename /)
})

test('toIpsets() names other contents otherwise, within the 31 characters of a name', () => {
  const long = 'a-name-of-thirty-two-characters-'
  const one = toIpsets(long, setOf('192.0.2.0/24'))[4]!.name
  const other = toIpsets(long, setOf('192.0.2.0/25'))[4]!.name
  assert.notEqual(one, other)
  assert.ok(one.length <= 31)
  assert.ok(isOurs(one) && isOurs(one.replace('-', '+')))
  assert.ok(!isOurs('f2b-sshd'))
})
