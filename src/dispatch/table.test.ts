import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Codec } from '../bpf/index.ts'
import { Binding4, Binding6, type Choice } from '../generated/dispatch.ts'
import { layOutTable4, layOutTable6 } from './table.ts'

const COUNT = 5_000
const INDICES = Array.from({ length: COUNT }, (_, index) => index)
const KEY = { port: 53, protocol: 17 } as const

const choice = (counter: number): Choice => ({ counter, destination: 1, missing: 0, steering: 0 })

function countersOf<T extends { readonly key: { readonly protocol: number }; readonly choice: Choice }>(
  codec: Codec<T>,
  table: Uint8Array,
): number[] {
  const view = new DataView(table.buffer)
  const places = Array.from({ length: table.length / codec.size }, (_, index) => codec.read(view, index * codec.size))
  assert.equal(places.length, 16_384)
  const taken = places.filter(({ key }) => key.protocol !== 0)
  return taken.map((one) => one.choice.counter).sort((a, b) => a - b)
}

test('layOutTable4() and layOutTable6() have each key once, in a power of two of places of which half are free', () => {
  const table4 = layOutTable4(
    INDICES.map((index) => ({ key: { ...KEY, address: 0x0a000000 + index, length: 32 }, choice: choice(index) })),
  )
  const table6 = layOutTable6(
    INDICES.map((index) => ({
      key: { ...KEY, address: [0x20010db8, 0, 0, index], length: 128 },
      choice: choice(index),
      zero: 0,
    })),
  )
  assert.deepEqual(countersOf(Binding4, table4), INDICES)
  assert.deepEqual(countersOf(Binding6, table6), INDICES)
})

test('layOutTable4() and layOutTable6() of nothing are all free', () => {
  for (const table of [layOutTable4([]), layOutTable6([])]) assert.ok(table.every((byte) => byte === 0))
})
