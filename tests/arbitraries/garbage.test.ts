import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dissect, malformedReasons } from '../../src/net/dissect.ts'
import { readFact } from '../../src/rules/facts.ts'
import { garbage, MAX_GARBAGE } from './garbage.ts'
import { Random } from './random.ts'
import { fieldNames } from './rule.ts'

test('garbage() makes frames of every length, which dissect() and readFact() read without an exception', () => {
  const random = new Random(77)
  const reasons = new Set<string | null>()
  for (let length = 0; length <= MAX_GARBAGE; length++) {
    for (let round = 0; round < 5; round++) {
      const bytes = garbage(random, length)
      assert.equal(bytes.length, length)
      const packet = dissect(bytes)
      reasons.add(packet.malformed)
      if (packet.malformed === null) for (const name of fieldNames) readFact(packet, name)
      else assert.ok(packet.end <= length)
    }
  }
  for (const reason of [null, ...malformedReasons]) assert.ok(reasons.has(reason), `${reason}`)
})
