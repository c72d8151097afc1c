import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseShare } from './parse-share.ts'
import { parseSize } from './parse-size.ts'

test('parseSize() reads bytes with and without a unit', () => {
  assert.deepEqual(
    ['65536', '64K', '16m', '1G'].map((text) => parseSize('--buffer', text)),
    [65_536, 65_536, 16 * 2 ** 20, 2 ** 30],
  )
  for (const text of ['', 'M', '1.5M', '-1', '1T', '10 K'])
    assert.throws(() => parseSize('--buffer', text), { code: 'SEAWALL_INPUT', message: /--buffer/ })
})

test('parseShare() reads one packet of how many', () => {
  assert.equal(parseShare('--sample', '1/100'), 100)
  assert.equal(parseShare('--sample', '1/1'), 1)
  for (const text of ['1', '2/3', '1/0', '1/x', '1/9999999999', '0.01'])
    assert.throws(() => parseShare('--sample', text), { code: 'SEAWALL_INPUT' }, text)
})
