import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { quotasOf } from './quotas.ts'

const positive = fc.oneof(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), fc.integer({ min: 1, max: 16 }))
const fleets = fc
  .tuple(fc.array(fc.tuple(positive, fc.nat(40)), { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 64 }))
  .map(([fleet, rows]) => {
    const weights = new Map(fleet.map(([weight], index) => [index + 1, weight] as const))
    return { weights, owned: Uint32Array.from([0, ...fleet.map(([, owned]) => owned)]), rows }
  })

function exactShares(rows: number, weights: ReadonlyMap<number, number>): Map<number, number> {
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0)
  return new Map([...weights].map(([backend, weight]) => [backend, (rows * weight) / total]))
}

const gains = (quotas: ReadonlyMap<number, number>, owned: Uint32Array): number =>
  [...quotas].reduce((sum, [backend, quota]) => sum + Math.max(0, quota - owned[backend]!), 0)

/** All ways to round shares up or down so that they add up. */
function roundings(rows: number, shares: readonly (readonly [number, number])[]): Map<number, number>[] {
  const [first, ...rest] = shares
  if (first === undefined) return rows === 0 ? [new Map()] : []
  const [backend, share] = first
  const near = Math.round(share)
  const choices = Math.abs(share - near) < 1e-8 ? [near] : [Math.floor(share), Math.ceil(share)]
  return choices.flatMap((rounded) =>
    roundings(rows - rounded, rest).map((others) => new Map([[backend, rounded], ...others])),
  )
}

test('quotasOf() adds up, and rounds each share up or down', () => {
  fc.assert(
    fc.property(fleets, ({ rows, weights, owned }) => {
      const quotas = quotasOf(rows, weights, owned)
      assert.equal(
        [...quotas.values()].reduce((sum, quota) => sum + quota, 0),
        rows,
      )
      for (const [backend, share] of exactShares(rows, weights))
        assert.ok(Math.abs(quotas.get(backend)! - share) < 1, `${quotas.get(backend)} for ${share}`)
    }),
  )
})

test('quotasOf() rounds so that no other rounding moves fewer rows', () => {
  fc.assert(
    fc.property(fleets, ({ rows, weights, owned }) => {
      const all = roundings(rows, [...exactShares(rows, weights)])
      const fewest = Math.min(...all.map((quotas) => gains(quotas, owned)))
      assert.equal(gains(quotasOf(rows, weights, owned), owned), fewest)
    }),
    { numRuns: 500 },
  )
})

test('quotasOf() is what it was when asked again with what it gave', () => {
  fc.assert(
    fc.property(fleets, ({ rows, weights, owned }) => {
      const quotas = quotasOf(rows, weights, owned)
      const given = Uint32Array.from([0, ...[...weights.keys()].map((backend) => quotas.get(backend)!)])
      assert.deepEqual(quotasOf(rows, weights, given), quotas)
      assert.deepEqual(quotasOf(rows, quotas, given), new Map([...quotas].filter(([, quota]) => quota > 0)))
    }),
  )
})

test('quotasOf() honours weights within 0.1 % of all rows of a table of the usual size', () => {
  fc.assert(
    fc.property(fc.array(positive, { minLength: 1, maxLength: 1_023 }), (list) => {
      const weights = new Map(list.map((weight, index) => [index + 1, weight] as const))
      const quotas = quotasOf(16_384, weights, new Uint32Array(list.length + 1))
      for (const [backend, share] of exactShares(16_384, weights))
        assert.ok(Math.abs(quotas.get(backend)! - share) / 16_384 < 0.001)
    }),
    { numRuns: 20 },
  )
})

test('quotasOf() gives whole shares exactly, whoever owns one more', () => {
  const owned = Uint32Array.of(0, 1_025, 1_023, ...Array<number>(14).fill(1_024))
  const weights = new Map(Array.from({ length: 16 }, (_, index) => [index + 1, 0.1] as const))
  assert.deepEqual([...new Set(quotasOf(16_384, weights, owned).values())], [1_024])
})

test('quotasOf() gives nobody anything if nobody has a weight', () => {
  assert.deepEqual(quotasOf(256, new Map([[1, 0]]), new Uint32Array(2)), new Map())
})
