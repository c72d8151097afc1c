import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instruction } from './instruction.ts'

test('instruction() lays out opcode, registers, offset and immediate', () => {
  const bytes = instruction({ opcode: 0x7b, to: 10, from: 3, offset: -8, immediate: -2 })
  assert.deepEqual([...bytes], [0x7b, 0x3a, 0xf8, 0xff, 0xfe, 0xff, 0xff, 0xff])
})

test('instruction() takes 0 for what is not given', () => {
  assert.deepEqual([...instruction({ opcode: 0x95 })], [0x95, 0, 0, 0, 0, 0, 0, 0])
})
