import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBytes, readList, readText, writeBytes, writeList, writeText } from './codec-parts.ts'

const fresh = (): DataView => new DataView(Uint8Array.from({ length: 16 }, () => 0xff).buffer, 2, 12)

test('writeText() fills up with NUL, and readText() stops there or at the end', () => {
  const view = fresh()
  writeText(view, 1, 5, 'hé')
  assert.deepEqual([...readBytes(view, 0, 7)], [0xff, 0x68, 0xc3, 0xa9, 0, 0, 0xff])
  assert.equal(readText(view, 1, 5), 'hé')
  writeText(view, 1, 5, 'abcde')
  assert.equal(readText(view, 1, 5), 'abcde')
  assert.throws(() => writeText(view, 1, 5, 'abcdé'), /wanted at most 5 bytes/)
})

test('readBytes() gives a copy, and writeBytes() wants exactly as many', () => {
  const view = fresh()
  const copy = readBytes(view, 0, 2)
  writeBytes(view, 0, 2, Uint8Array.of(1, 2))
  assert.deepEqual([...copy], [0xff, 0xff])
  assert.deepEqual([...readBytes(view, 0, 3)], [1, 2, 0xff])
  assert.throws(() => writeBytes(view, 0, 2, new Uint8Array(3)), /Cannot write 3 bytes: wanted 2/)
})

test('readList() and writeList() go by the stride, and want exactly as many elements', () => {
  const view = fresh()
  writeList([1, 2], 2, 1, 3, (at, one) => view.setUint8(at, one))
  assert.deepEqual(
    readList(2, 1, 3, (at) => view.getUint8(at)),
    [1, 2],
  )
  assert.equal(view.getUint8(2), 0xff)
  assert.throws(() => writeList([1], 2, 0, 1, () => {}), /Cannot write 1 elements: wanted 2/)
})
