import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pressuresOf } from './pressure.ts'

const weights = new Map([
  [1, 1],
  [2, 3],
  [3, 0],
])

function ratio(loads: Parameters<typeof pressuresOf>[0]): number {
  const pressures = pressuresOf(loads, weights)
  return pressures.get(2)! / pressures.get(1)!
}

test('pressuresOf() goes by processors and accept queues together, so that a queue counts where all processors are busy', () => {
  const loads = new Map([
    [1, { cpu: 0.3, connections: 9_000 }],
    [2, { cpu: 0.3, acceptQueue: 0.4 }],
  ])
  assert.ok(Math.abs(ratio(loads) - 2) < 1e-9)
})

test('pressuresOf() goes by connections in proportion to weight if not all say how busy they are', () => {
  const loads = new Map([
    [1, { connections: 10_000 }],
    [2, { cpu: 0.9, connections: 30_000 }],
  ])
  assert.ok(Math.abs(ratio(loads) - 1) < 0.01)
})

test('pressuresOf() takes idle backends for alike', () => {
  const idle = new Map([
    [1, { cpu: 0.001 }],
    [2, { cpu: 0.004 }],
  ])
  assert.ok(ratio(idle) < 1.05)
  const few = new Map([
    [1, { connections: 0 }],
    [2, { connections: 5 }],
  ])
  assert.ok(ratio(few) < 1.05)
})

test('pressuresOf() says nothing of what cannot be compared, and of backends that are drained', () => {
  const loads = new Map([
    [1, { cpu: 0.5 }],
    [2, { connections: 3 }],
  ])
  assert.equal(pressuresOf(loads, weights).size, 0)
  assert.equal(pressuresOf(new Map(), weights).size, 0)
  assert.deepEqual([...pressuresOf(new Map([[3, { cpu: 0.5 }]]), weights)], [])
})
