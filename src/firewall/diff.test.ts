import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diff, type Outline } from './diff.ts'
import type { Manifest } from './manifest.ts'

const outline = (ids: string): Outline => ({
  malformed: 'drop',
  interfaces: [{ name: 'eth0', mode: 'auto' }],
  rules: [...ids].map((id) => ({ id, text: `drop if ${id}` })),
  sets: [{ name: 'bogons', digest: 'x', prefixes: 2 }],
})

/** The comparison reads no more of a manifest than an outline has. */
const inForce = (one: Outline) => one as unknown as Manifest

const brief = (before: Outline | undefined, after: Outline) =>
  diff(before === undefined ? undefined : inForce(before), after).map(
    ({ kind, what, name }) => `${kind} ${what} ${name}`,
  )

test('diff of a fresh start adds everything', () => {
  assert.deepEqual(brief(undefined, outline('ab')), [
    'add interface eth0',
    'add set bogons',
    'add rule a',
    'add rule b',
  ])
})

test('diff of equals is empty', () => {
  assert.deepEqual(brief(outline('abc'), outline('abc')), [])
})

test('diff names as few moves as possible', () => {
  assert.deepEqual(brief(outline('abcde'), outline('eabcd')), ['move rule e'])
  assert.deepEqual(brief(outline('abcde'), outline('bcdea')), ['move rule a'])
  assert.deepEqual(brief(outline('abcd'), outline('axd')), ['remove rule b', 'remove rule c', 'add rule x'])
})

test('diff shows a rule before and after its change', () => {
  const after = { ...outline('a'), rules: [{ id: 'a', text: 'drop if tcp' }], malformed: 'pass' as const }
  assert.deepEqual(diff(inForce(outline('a')), after), [
    { kind: 'change', what: 'policy', name: 'malformed', before: 'drop', after: 'pass' },
    { kind: 'change', what: 'rule', name: 'a', before: 'drop if a', after: 'drop if tcp' },
  ])
})
