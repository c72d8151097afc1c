import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTcpOptions, type TcpOptions } from './tcp-options.ts'

const read = (...bytes: number[]): TcpOptions =>
  readTcpOptions(new DataView(Uint8Array.from(bytes).buffer), 0, bytes.length)

test('readTcpOptions() reads the options of an ordinary SYN', () => {
  const options = read(2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 255, 255, 255, 255, 1, 3, 3, 7)
  const timestamp = { value: 1, echo: 0xffffffff }
  assert.deepEqual(options, { mss: 1460, sackPermitted: true, timestamp, windowScale: 7 })
})

test('readTcpOptions() ends at kind 0', () => {
  assert.deepEqual(read(1, 0, 2, 4, 5, 180), {})
})

test('readTcpOptions() skips a known kind of another length', () => {
  assert.deepEqual(read(2, 3, 9, 3, 3, 7), { windowScale: 7 })
  assert.deepEqual(read(3, 4, 9, 9, 4, 2), { sackPermitted: true })
})

test('readTcpOptions() counts the first of several', () => {
  assert.deepEqual(read(3, 3, 1, 3, 3, 2, 2, 4, 0, 0, 2, 4, 0, 9), { windowScale: 1, mss: 0 })
})

test('readTcpOptions() ends at a length under 2 or beyond the header', () => {
  assert.deepEqual(read(5, 0, 4, 2), {})
  assert.deepEqual(read(5, 1, 4, 2), {})
  assert.deepEqual(read(4, 2, 2, 4, 5), { sackPermitted: true })
  assert.deepEqual(read(4, 2, 2), { sackPermitted: true })
})
