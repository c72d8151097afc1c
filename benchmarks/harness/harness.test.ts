import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { measureTestRun } from './measure-test-run.ts'
import { judge } from './result.ts'
import { formatTable } from './table.ts'
import { timingOf } from './timing.ts'

const base = { bench: 'firewall', case: '1,000 rules', keys: 'hot', unit: 'ns' } as const
const timing = (min: number): { min: number; median: number } => ({ min, median: min + 1 })

test('timingOf gives minimum and median, of odd and even counts', () => {
  assert.deepEqual(timingOf([30, 10, 20]), { min: 10, median: 20 })
  assert.deepEqual(timingOf([40, 10, 20, 30]), { min: 10, median: 25 })
  assert.throws(() => timingOf([]), RangeError)
})

test('judge compares what is above the floor, or the value itself where there is none', () => {
  assert.equal(judge({ ...base, value: timing(48), floor: timing(28), target: 20 }).met, true)
  assert.equal(judge({ ...base, value: timing(49), floor: timing(28), target: 20 }).met, false)
  assert.equal(judge({ ...base, value: timing(21), target: 20 }).met, false)
  assert.equal(judge({ ...base, value: timing(49) }).met, null)
})

test('judge gives exactly the documented keys', () => {
  const keys = ['bench', 'case', 'keys', 'value', 'unit', 'floor', 'rivals', 'target', 'met']
  assert.deepEqual(Object.keys(judge({ ...base, value: timing(1) })), keys)
})

test('formatTable shows value, floor, difference, rivals, target and verdict', () => {
  const result = judge({
    ...base,
    value: timing(50),
    floor: timing(28),
    rivals: { nftables: timing(12000) },
    target: 20,
  })
  const text = stripVTControlCharacters(formatTable([result]))
  for (const part of ['50 / 51 ns', '28 / 29', '+22', 'nftables 12000 / 12001', '≤ +20', 'missed']) {
    assert.ok(text.includes(part), `${part} in\n${text}`)
  }
})

test('measureTestRun takes several runs after one to warm up', () => {
  const repeats: number[] = []
  const program = {
    testRun: ({ repeat }: { repeat: number }) => {
      repeats.push(repeat)
      return { durationNs: 30 + repeats.length, result: 1 }
    },
  }
  assert.deepEqual(measureTestRun(program, new Uint8Array(64), { runs: 3, repeat: 1000 }), { min: 32, median: 33 })
  assert.deepEqual(repeats, [100, 1000, 1000, 1000])
})

test('measureTestRun refuses the figures of a wrong verdict', () => {
  const program = { testRun: () => ({ durationNs: 30, result: 2 }) }
  assert.throws(
    () => measureTestRun(program, new Uint8Array(64), { runs: 1, repeat: 1, expect: 1 }),
    /returned 2: wanted 1/,
  )
})
