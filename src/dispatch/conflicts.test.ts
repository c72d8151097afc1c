import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMatch, parseMatch } from './binding.ts'
import { findConflicts, refuseConflicts } from './conflicts.ts'

const conflictsIn = (...texts: string[]) =>
  findConflicts(texts.map(parseMatch)).map(({ first, second, same }) => [formatMatch(first), formatMatch(second), same])

test('findConflicts() finds what is bound twice, and ranges of one prefix that overlap', () => {
  assert.deepEqual(conflictsIn('tcp 192.0.2.0/24 80', 'udp 192.0.2.0/24 80', 'tcp 192.0.2.0/24 80'), [
    ['tcp 192.0.2.0/24 80', 'tcp 192.0.2.0/24 80', true],
  ])
  assert.deepEqual(conflictsIn('udp ::/0 any', 'udp ::/0 any').length, 1)
  assert.deepEqual(conflictsIn('tcp 192.0.2.0/24 20-30', 'tcp 192.0.2.0/24 31-40', 'tcp 192.0.2.0/24 30-31'), [
    ['tcp 192.0.2.0/24 20-30', 'tcp 192.0.2.0/24 30-31', false],
    ['tcp 192.0.2.0/24 31-40', 'tcp 192.0.2.0/24 30-31', false],
  ])
  assert.deepEqual(conflictsIn('tcp ::/0 1-100', 'tcp ::/0 5-6', 'tcp ::/0 50-60').length, 2)
})

test('findConflicts() finds none where one is more specific than the other', () => {
  assert.deepEqual(
    conflictsIn(
      'tcp 192.0.2.0/24 any',
      'tcp 192.0.2.0/24 1-65535',
      'tcp 192.0.2.0/24 80',
      'tcp 192.0.2.0/25 80',
      'tcp 192.0.2.0/25 any',
      'tcp ::/0 any',
      'tcp 192.0.2.0/25 10-20',
    ),
    [],
  )
})

test('refuseConflicts() names both bindings', () => {
  const bindings = ['tcp 192.0.2.0/24 20-30', 'tcp 192.0.2.0/24 25-40'].map(parseMatch)
  assert.throws(() => refuseConflicts(bindings), {
    code: 'SEAWALL_INPUT',
    message: /"tcp 192.0.2.0\/24 25-40": its ports overlap with those of "tcp 192.0.2.0\/24 20-30"/,
  })
})
