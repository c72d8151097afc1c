import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomCase, setsOf } from '../../../tests/arbitraries/case.ts'
import { dissect } from '../../net/dissect.ts'
import { evaluateExpr } from '../../rules/evaluate.ts'
import { parseExpr } from '../../rules/parser.ts'
import { formatExpr } from '../../rules/print.ts'
import { families } from './family.ts'
import { ofFamily } from './of-family.ts'

const folded = (text: string, family: 4 | 6) => formatExpr(ofFamily(parseExpr(text), family))

test('ofFamily() decides what the family decides', () => {
  assert.equal(folded('ipv6 and udp.dstport == 53', 4), 'false')
  assert.equal(folded('ipv6 and udp.dstport == 53', 6), 'udp.dstport == 53')
  assert.equal(folded('not ipv6', 4), 'true')
  assert.equal(folded('ip.src == 192.0.2.0/24 or tcp', 6), 'tcp')
  assert.equal(folded('ip.src != 192.0.2.0/24', 6), 'true')
  assert.equal(folded('ip.src in {192.0.2.0/24, 2001:db8::/32}', 6), 'ip.src in {2001:db8::/32}')
  assert.equal(folded('ip.id == 7 or icmp.type == echo', 6), 'false')
  assert.equal(folded('icmpv6.type == echo', 4), 'false')
  assert.equal(folded('ip.src in {192.0.2.0/24, $bad}', 6), 'ip.src in $bad')
})

test('ofFamily() means the same as the whole expression for every packet of the family', () => {
  let compared = 0
  for (let seed = 1; seed <= 60; seed++) {
    const { ruleSet, packets, sets } = randomCase(seed)
    const env = { sets: setsOf(sets) }
    const dissections = packets.map(dissect)
    for (const family of families) {
      const mine = dissections.filter((packet) => packet.malformed === null && packet.ipVersion === family)
      for (const { when } of ruleSet.rules) {
        const part = ofFamily(when, family)
        for (const packet of mine) {
          compared++
          const wanted = evaluateExpr(when, packet, env)
          assert.equal(evaluateExpr(part, packet, env), wanted, `seed ${seed}: ${formatExpr(when)}`)
        }
      }
    }
  }
  assert.ok(compared > 10_000, `compared only ${compared}`)
})
