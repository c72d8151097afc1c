import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DESTINATIONS, type DestinationKey, emptyDirectory, enrol } from './directory.ts'

const key = (label: string): DestinationKey => ({ label, protocol: 'tcp', family: 4 })
const numbers = (directory: ReturnType<typeof enrol>) =>
  directory.destinations.map(({ label, number }) => [label, number])

test('enrol() keeps numbers, and gives those that were given up again as late as can be', () => {
  const first = enrol(emptyDirectory, [key('a'), key('b'), key('a')])
  assert.deepEqual(numbers(first), [
    ['a', 0],
    ['b', 1],
  ])
  const withoutB = { ...first, destinations: first.destinations.filter(({ label }) => label !== 'b') }
  assert.deepEqual(numbers(enrol(withoutB, [key('c'), key('a')])), [
    ['a', 0],
    ['c', 2],
  ])
  assert.equal(enrol(first, [key('a')]), first)
})

test('enrol() goes round, passes by who is there, and refuses one too many', () => {
  const labels = Array.from({ length: DESTINATIONS }, (_, index) => `label-${index}`)
  const all = enrol(emptyDirectory, labels.map(key))
  const gap = { ...all, destinations: all.destinations.filter(({ number }) => number !== 7) }
  assert.deepEqual(numbers(enrol(gap, [key('new')])).at(-1), ['new', 7])
  assert.throws(() => enrol(all, [key('new')]), {
    code: 'SEAWALL_FULL',
    message: /Cannot add label "new" for tcp over IPv4/,
  })
})
