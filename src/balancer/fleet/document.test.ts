import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compareStamps, decodeDocument, encodeDocument, type Stamp, stampOf, type TableDocument } from './document.ts'

const pool = fc
  .record({ backends: fc.uniqueArray(fc.stringMatching(/^[a-z0-9.-]{1,8}$/), { minLength: 1, maxLength: 5 }) })
  .chain(({ backends }) =>
    fc.uint16Array({ minLength: 16, maxLength: 16, max: backends.length }).map((rows) => ({
      backends: backends.sort(),
      rows,
    })),
  )

const documents: fc.Arbitrary<TableDocument> = fc
  .record({
    version: fc.integer({ min: 1, max: 2 ** 52 }),
    conductor: fc.stringMatching(/^[a-z]{1,8}$/),
    pools: fc.uniqueArray(pool, { maxLength: 3, selector: ({ backends }) => backends.join(' ') }),
    drained: fc.uniqueArray(fc.stringMatching(/^[a-z]{1,3}$/), { maxLength: 3 }),
  })
  .map((one) => ({
    ...one,
    drained: one.drained.sort(),
    dead: one.pools.flatMap(({ backends }, pool) => backends.slice(1).map((backend) => ({ pool, backend }))),
    factors: one.pools.flatMap(({ backends }, pool) =>
      backends.map((backend, index) => ({ pool, backend, factor: (index + 1) / 3 })),
    ),
  }))

/** A document as JSON, with some fields replaced. */
function changed(fields: object): string {
  const rows = Buffer.from(Uint16Array.of(1, 0, 2, 1).buffer).toString('base64')
  const good = {
    version: 3,
    conductor: 'a',
    pools: [{ backends: ['a', 'b'], rows }],
    drained: [],
    dead: [],
    factors: [],
  }
  return JSON.stringify({ ...good, ...fields })
}

const bad: readonly (readonly [string, RegExp])[] = [
  ['{"version":', /Cannot read the table: found "\{\\"version\\":", wanted JSON/],
  ['[]', /Cannot read the table: found \[\], wanted an object/],
  ['['.repeat(200_000), /wanted JSON/],
  [changed({ version: 0 }), /at version: found 0, wanted a version from 1/],
  [changed({ version: 1.5 }), /at version: found 1.5, wanted a version, which is a whole number/],
  [changed({ version: 2 ** 53 }), /at version: found 9007199254740992, wanted/],
  [changed({ conductor: 'a b' }), /at conductor: found "a b", wanted a name of 1 to 255 characters/],
  [changed({ more: 1 }), /wanted one of version, conductor, pools, drained, dead, factors/],
  [changed({ drained: ['b', 'a'] }), /at drained.1: found "a", wanted a name behind "b"/],
  [changed({ drained: ['a', 'a'] }), /at drained.1: found "a", wanted a name behind "a"/],
  [changed({ pools: [{ backends: ['a'], rows: '!' }] }), /at pools.0.rows: found "!", wanted base64/],
  [changed({ pools: [{ backends: ['a'], rows: 'AAA=' }] }), /at pools.0.rows: found "AAA=", wanted rows of 4 bytes/],
  [changed({ pools: [{ backends: ['a'], rows: 'AQAAAB==' }] }), /wanted base64 as in RFC 4648, with padding/],
  [changed({ pools: [{ backends: ['a'], rows: 'AgAAAA==' }] }), /owners up to 1 \(row 0 has 2, but there is none\)/],
  [changed({ pools: [{ backends: ['a'], rows: 'AQAAAAEAAAABAAAA' }] }), /a power of two of them/],
  [
    changed({ pools: [{ backends: [], rows: 'AAAAAA==' }] }),
    /at pools.0.backends: found \[\], wanted at least one name/,
  ],
  [
    changed({ dead: [{ pool: 1, backend: 'a' }] }),
    /at dead.0: found \{"pool":1,"backend":"a"\}, wanted a backend of that/,
  ],
  [changed({ factors: [{ pool: 0, backend: 'c', factor: 1 }] }), /at factors.0: .* wanted a backend of that pool/],
  [
    changed({ factors: [{ pool: 0, backend: 'a', factor: 0 }] }),
    /at factors.0.factor: found 0, wanted a number above 0/,
  ],
  [
    changed({
      dead: [
        { pool: 0, backend: 'b' },
        { pool: 0, backend: 'a' },
      ],
    }),
    /at dead.1: .* wanted an entry behind the one before it/,
  ],
  [
    changed({
      pools: [
        { backends: ['a'], rows: 'AQAAAA==' },
        { backends: ['a'], rows: 'AQAAAA==' },
      ],
    }),
    /at pools.1.backends: found \["a"\], wanted backends that no other pool has/,
  ],
  [
    changed({
      pools: [
        { backends: ['a'], rows: 'AQAAAA==' },
        { backends: ['b'], rows: 'AQAAAAEAAAA=' },
      ],
    }),
    /at pools.1.rows: .* wanted as many rows as the first pool has/,
  ],
]

describe('TableDocument', () => {
  test('decodeDocument() reads what encodeDocument() wrote, and both have one stamp', () => {
    fc.assert(
      fc.property(documents, (document) => {
        const text = encodeDocument(document)
        const read = decodeDocument(text)
        assert.deepEqual(read, document)
        assert.equal(encodeDocument(read), text)
        assert.deepEqual(stampOf(read), stampOf(document))
      }),
    )
  })

  test('rows are 16-bit little-endian numbers, current before previous', () => {
    const document = decodeDocument(changed({ pools: [{ backends: ['a', 'b'], rows: 'AQACAAIAAAA=' }] }))
    assert.deepEqual(document.pools[0]?.rows, Uint16Array.of(1, 2, 2, 0))
  })

  test('decodeDocument() says of a bad one what was found and what was wanted', () => {
    for (const [text, message] of bad)
      assert.throws(() => decodeDocument(text), { code: 'FLEET_MESSAGE', message }, text.slice(0, 200))
  })

  test('decodeDocument() throws nothing but FLEET_MESSAGE, whatever is changed', () => {
    const text = changed({})
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ unit: 'binary', maxLength: 3 }), (at, put) => {
        try {
          decodeDocument(text.slice(0, at) + put + text.slice(at + put.length))
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'FLEET_MESSAGE')
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('compareStamps() orders any documents in one way: by version, then by who made them, then by what they say', () => {
    const stamp: fc.Arbitrary<Stamp> = fc.record({
      version: fc.integer({ min: 1, max: 3 }),
      conductor: fc.constantFrom('a', 'b'),
      digest: fc.constantFrom('0', '1'),
    })
    fc.assert(
      fc.property(stamp, stamp, stamp, (a, b, c) => {
        assert.equal(Math.sign(compareStamps(a, b)) + Math.sign(compareStamps(b, a)), 0)
        assert.equal(compareStamps(a, b) === 0, JSON.stringify(a) === JSON.stringify(b))
        if (compareStamps(a, b) > 0 && compareStamps(b, c) > 0) assert.ok(compareStamps(a, c) > 0)
        if (a.version !== b.version) assert.equal(compareStamps(a, b) > 0, a.version > b.version)
        assert.ok(compareStamps(a, undefined) > 0)
      }),
    )
  })
})
