import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { FIRST_RULE_SLOT, malformedReasons, malformedSlot, PASSED_BY_DEFAULT } from './counters.ts'

test('malformedReasons are in the order in which docs/packet.md names them', () => {
  const text = readFileSync(new URL('../../docs/packet.md', import.meta.url), 'utf8')
  const named = [...text.matchAll(/`((?:eth|vlan|ip|ipv6_ext|tcp|udp|icmp)_(?:truncated|depth|header|length))`/g)]
  assert.deepEqual([...new Set(named.map(([, reason]) => reason))], [...malformedReasons])
})

test('malformedSlot gives every reason a slot of its own among the reserved ones', () => {
  const slots = malformedReasons.map((reason) => malformedSlot[reason])
  assert.deepEqual(
    slots,
    Array.from(slots, (_, index) => index + 1),
  )
  assert.ok(!slots.includes(PASSED_BY_DEFAULT) && slots.every((slot) => slot < FIRST_RULE_SLOT))
})
