import assert from 'node:assert/strict'
import { test } from 'node:test'
import { effectiveCapabilities } from './capabilities.ts'

test('effectiveCapabilities() reads the bits of CapEff', () => {
  const status = 'Name:\tnode\nCapPrm:\t0000000000000000\nCapEff:\t0000008000001000\n'
  assert.deepEqual([...effectiveCapabilities(status)], ['CAP_NET_ADMIN', 'CAP_BPF'])
})

test('effectiveCapabilities() is empty for an ordinary user', () => {
  assert.equal(effectiveCapabilities('CapEff:\t0000000000000000\n').size, 0)
})
