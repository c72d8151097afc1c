import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interpret } from './interpret.ts'
import type { Arithmetic, Operation } from './operation.ts'

const packet = Uint8Array.of(0x12, 0x34, 0x56, 0x78, 0xff)
const constant = (to: 'a' | 'x', value: number): Operation => ({ kind: 'constant', to, value })
const returnA: Operation = { kind: 'return', value: 'a' }
const run = (...program: readonly Operation[]) => interpret([...program, returnA], packet)
const load = (size: 1 | 2 | 4, offset: number, indirect = false): Operation => ({
  kind: 'load',
  size,
  indirect,
  offset,
})
const calculate = (op: Arithmetic, a: number, x: number) =>
  run(constant('a', a), constant('x', x), { kind: 'arithmetic', op, operand: 'x' })

test('interpret() loads big-endian, and returns 0 at once for a load out of bounds', () => {
  assert.equal(run(load(4, 0)), 0x12345678)
  assert.equal(run(load(2, 3)), 0x78ff)
  assert.equal(run(constant('x', 3), load(1, 1, true)), 0xff)
  assert.equal(run(load(2, 4), constant('a', 1)), 0)
  assert.equal(run(constant('x', 0xffff_ffff), load(1, 1, true)), 0x12, 'an index wraps around')
  assert.equal(run(constant('x', 0xffff_ffff), load(1, 0, true), constant('a', 1)), 0)
  assert.equal(run({ kind: 'header-length', offset: 3 }, { kind: 'copy', to: 'a' }), 32)
  assert.equal(run({ kind: 'header-length', offset: 5 }, constant('a', 1)), 0)
  assert.equal(run({ kind: 'length', to: 'a' }), 5)
})

test('interpret() calculates with 32 bits, takes the lower five bits of a shift, and returns 0 for a division by 0', () => {
  assert.equal(calculate('add', 0xffff_ffff, 2), 1)
  assert.equal(calculate('sub', 1, 2), 0xffff_ffff)
  assert.equal(calculate('mul', 0xffff_ffff, 0xffff_ffff), 1)
  assert.equal(calculate('mul', 0x1234_5678, 0x9abc_def1), 0x3661_76f8)
  assert.equal(calculate('div', 0xffff_fffe, 3), 0x5555_5554)
  assert.equal(calculate('mod', 0xffff_fffe, 7), 0xffff_fffe % 7)
  assert.equal(calculate('and', 0xf0f0_f0f0, 0xff00_00ff), 0xf000_00f0)
  assert.equal(calculate('or', 0x8000_0000, 1), 0x8000_0001)
  assert.equal(calculate('xor', 0xffff_ffff, 1), 0xffff_fffe)
  assert.equal(calculate('lsh', 3, 31), 0x8000_0000)
  assert.equal(calculate('lsh', 3, 33), 6)
  assert.equal(calculate('rsh', 0x8000_0000, 63), 1)
  for (const op of ['div', 'mod'] as const)
    assert.equal(run(constant('a', 9), { kind: 'arithmetic', op, operand: 'x' }, constant('a', 1)), 0)
  assert.equal(run(constant('a', 1), { kind: 'negate' }), 0xffff_ffff)
})

test('interpret() compares without sign, and keeps cells', () => {
  const isAbove: Operation = { kind: 'branch', condition: '>', operand: 'x', yes: 3, no: 4 }
  const returns = [constant('a', 0), constant('x', 0)]
  const above = (a: number, x: number) =>
    interpret(
      [constant('a', a), constant('x', x), isAbove, { kind: 'return', value: 7 }, { kind: 'return', value: 8 }],
      packet,
    )
  assert.equal(above(0x8000_0000, 1), 7)
  assert.equal(above(1, 0x8000_0000), 8)
  const store: Operation = { kind: 'store', from: 'a', cell: 15 }
  assert.equal(run(constant('a', 5), store, ...returns, { kind: 'recall', to: 'a', cell: 15 }), 5)
})
