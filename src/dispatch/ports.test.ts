import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANY, formatPorts, parsePorts } from './ports.ts'

test('parsePorts() reads a port, a range and any, and formatPorts() writes them', () => {
  for (const text of ['1', '443', '65535', '20000-49999', '1-65535', 'any'])
    assert.equal(formatPorts(parsePorts(text)), text)
  assert.deepEqual(parsePorts('443'), { from: 443, to: 443 })
  assert.deepEqual(parsePorts('80-80'), { from: 80, to: 80 })
  assert.deepEqual(parsePorts('0'), ANY)
})

test('parsePorts() refuses all else, and knows a range that is the wrong way round', () => {
  for (const text of ['', '-1', '65536', '80-', '-80', '80-65536', '0-80', '080', '80,443', 'all', ' 80'])
    assert.throws(() => parsePorts(text), { code: 'SEAWALL_INPUT', message: /wanted a port from 1 to 65535/ }, text)
  assert.throws(() => parsePorts('90-80'), { message: /\(write 80-90\)/ })
})
