import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeName } from '../../net/dns-name.ts'
import { field } from '../builder.ts'
import { parseExpr } from '../parser.ts'
import { formatExpr } from '../print.ts'
import { matchesPattern, parsePattern } from './name-pattern.ts'

/** Names of the list that are of the pattern. */
const matching = (pattern: string, ...names: string[]): string[] =>
  names.filter((name) => matchesPattern(parsePattern(pattern), encodeName(name)))

test('matchesPattern() takes "*" in front for one or more labels', () => {
  const names = ['www.example.com', 'a.b.example.com', 'example.com', 'xexample.com', 'www.example.com.net', '']
  assert.deepEqual(matching('*.example.com', ...names), ['www.example.com', 'a.b.example.com'])
  assert.deepEqual(
    matching('*', ...names),
    names.filter((name) => name !== ''),
  )
})

test('matchesPattern() takes "?" for any one label', () => {
  const names = ['a.com', 'a.b.com', 'a.b.c.com', 'com']
  assert.deepEqual(matching('?.com', ...names), ['a.com'])
  assert.deepEqual(matching('a.?.com', ...names), ['a.b.com'])
  assert.deepEqual(matching('*.?.com', ...names), ['a.b.com', 'a.b.c.com'])
  assert.deepEqual(matching('?', ...names), ['com'])
})

test('matchesPattern() is about labels, not about bytes that look like them', () => {
  const lookalike = Uint8Array.of(5, 97, 3, 99, 111, 109, 0)
  assert.equal(matchesPattern('*.com', lookalike), false)
  assert.equal(matchesPattern('*', lookalike), true)
})

test('parsePattern() gives the pattern in lower case without a final dot', () => {
  assert.equal(parsePattern('*.Example.COM.'), '*.example.com')
})

test('parseExpr() and the builder make the same tree of a pattern', () => {
  const text = 'dns.qry.name matches "*.example.com"'
  assert.deepEqual(parseExpr('dns.qry.name matches "*.EXAMPLE.com."'), parseExpr(text))
  assert.deepEqual(field.dns.qry.name.matches('*.Example.com').expr, parseExpr(text))
  assert.equal(formatExpr(parseExpr(`not ${text}`)), `not (${text})`)
  const odd = 'dns.qry.name matches "\\xff\\"\\\\.com"'
  assert.equal(formatExpr(parseExpr(odd)), odd)
})

/** What is wrong with a pattern: the stretch that is pointed at, and the message. */
const mistakes: readonly (readonly [pattern: string, at: string, message: RegExp])[] = [
  ['', '"', /found nothing as label 1, wanted 1 to 63 bytes/],
  ['a..com', '.', /found nothing as label 2, wanted 1 to 63 bytes/],
  ['www.*.com', '*', /found "\*" as label 2, wanted "\*" only in front \(write "\?" for any one label\)/],
  ['ads*.example.com', 'ads*', /found "ads\*" as label 1, wanted a label, "\?" for any one, or "\*" in front/],
  ['*.a?.com', 'a?', /found "a\?" as label 2/],
  [`*.${'a'.repeat(64)}.com`, 'a'.repeat(64), /as label 2, wanted 1 to 63 bytes/],
  ['a\\x2eb.com', 'a\\x2eb', /found "a.b" as label 1, wanted no dot within a label/],
  ['*.bücher.example', 'bücher', /is not ASCII \(write the xn-- form/],
  [`*${'.a'.repeat(41)}`, `*${'.a'.repeat(41)}`, /found 41 labels, wanted at most 40/],
  [
    new Array(4).fill('a'.repeat(63)).join('.'),
    new Array(4).fill('a'.repeat(63)).join('.'),
    /found a name of 257 bytes or more/,
  ],
]

test('parseExpr() refuses a pattern that cannot be, and points at what is wrong', () => {
  for (const [pattern, at, message] of mistakes) {
    const text = `dns.qry.name matches "${pattern}"`
    assert.throws(
      () => parseExpr(text),
      (error: { message: string; column: number; length: number }) => {
        assert.match(error.message, message)
        assert.equal(text.slice(error.column - 1, error.column - 1 + error.length), at)
        return true
      },
    )
  }
})

test('parseExpr() takes "matches" for names only', () => {
  assert.throws(() => parseExpr('udp.payload matches "a"'), {
    message: /"matches" is for names \(write "udp.payload contains …"\)/,
  })
  assert.throws(() => parseExpr('dns.qry.name matches 5'), {
    message: /Found "5", wanted a pattern of names in double quotes/,
  })
  assert.throws(() => parseExpr('dns.qname matches "*"'), { message: /did you mean "dns.qry.name"\?/ })
})
