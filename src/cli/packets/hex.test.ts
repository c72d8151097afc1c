import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHexPacket } from './hex.ts'

test('parseHexPacket() takes what other tools print', () => {
  const wanted = new Uint8Array([0xde, 0xad, 0xbe, 0xef])
  for (const text of ['deadbeef', 'DE:AD:BE:EF', '0xdead 0xbeef', 'de ad\nbe ef\n', '0xde, 0xad, 0xbe, 0xef'])
    assert.deepEqual(parseHexPacket(text), wanted)
  assert.equal(parseHexPacket('').length, 0)
})

test('parseHexPacket() says what is wrong with anything else', () => {
  assert.throws(() => parseHexPacket('deadbeeg'), { code: 'SEAWALL_INPUT', message: /found "g"/ })
  assert.throws(() => parseHexPacket('dea'), { code: 'SEAWALL_INPUT', message: /3 hexadecimal digits/ })
  assert.throws(() => parseHexPacket('00'.repeat(70_000)), { code: 'SEAWALL_INPUT', message: /70000 bytes/ })
})
