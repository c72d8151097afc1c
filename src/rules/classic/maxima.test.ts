import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { interpret } from './interpret.ts'
import { maximaOfX } from './maxima.ts'
import type { Operation } from './operation.ts'

const number = fc.oneof(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: 0xffff_ffff }))
const register = fc.constantFrom('a' as const, 'x' as const)
const cell = fc.integer({ min: 0, max: 2 })
const kind = <K extends Operation['kind']>(kind: K) => fc.constant(kind)

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    kind: kind('load'),
    size: fc.constantFrom(1, 2, 4),
    indirect: fc.constant(false),
    offset: fc.integer({ min: 0, max: 60 }),
  }),
  fc.record({ kind: kind('header-length'), offset: fc.integer({ min: 0, max: 60 }) }),
  fc.record({ kind: kind('length'), to: register }),
  fc.record({ kind: kind('constant'), to: register, value: number }),
  fc.record({ kind: kind('recall'), to: register, cell }),
  fc.record({ kind: kind('store'), from: register, cell }),
  fc.record({ kind: kind('copy'), to: register }),
  fc.record({ kind: kind('negate') }),
  fc.record({
    kind: kind('arithmetic'),
    op: fc.constantFrom('add', 'sub', 'mul', 'and', 'or', 'xor'),
    operand: fc.oneof(number, fc.constant('x' as const)),
  }),
  fc.record({
    kind: kind('arithmetic'),
    op: fc.constantFrom('div', 'mod', 'lsh', 'rsh'),
    operand: fc.oneof(fc.integer({ min: 1, max: 31 }), fc.constant('x' as const)),
  }),
)

test('maximaOfX() is never less than X', () => {
  const packet = fc.uint8Array({ minLength: 64, maxLength: 64 })
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 12 }), packet, (operations, bytes) => {
      const program: Operation[] = [...operations, { kind: 'copy', to: 'a' }, { kind: 'return', value: 'a' }]
      assert.ok(interpret(program, bytes) <= maximaOfX(program)[operations.length]!)
    }),
    { numRuns: 20_000 },
  )
})

test('maximaOfX() takes the greater of two ways', () => {
  const program: readonly Operation[] = [
    { kind: 'branch', condition: '==', operand: 0, yes: 1, no: 3 },
    { kind: 'constant', to: 'x', value: 500 },
    { kind: 'jump', to: 4 },
    { kind: 'header-length', offset: 14 },
    { kind: 'return', value: 1 },
  ]
  assert.deepEqual(maximaOfX(program), [0, 0, 500, 0, 500])
})
