import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closest, editDistance } from './suggest.ts'

test('editDistance() counts insertions, deletions, replacements and swaps', () => {
  assert.equal(editDistance('', 'abc'), 3)
  assert.equal(editDistance('drop', 'drop'), 0)
  assert.equal(editDistance('dorp', 'drop'), 1)
  assert.equal(editDistance('kitten', 'sitting'), 3)
})

test('closest() finds what was meant, without regard to case, and nothing if all are far off', () => {
  const fields = ['udp.srcport', 'udp.dstport', 'tcp.dstport', 'ip.src']
  assert.equal(closest('udp.dstprt', fields), 'udp.dstport')
  assert.equal(closest('UDP.dstport', fields), 'udp.dstport')
  assert.equal(closest('ip.scr', fields), 'ip.src')
  assert.equal(closest('banana', fields), undefined)
  assert.equal(closest('x', []), undefined)
})
