import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lex } from './lexer.ts'

const kinds = (text: string): string[] =>
  lex(text).map(({ kind, text }) => (kind === 'end' ? 'end' : `${kind} ${text}`))

test('lex() tells numbers, addresses, bytes and ranges apart', () => {
  assert.deepEqual(kinds('53 0x1F 10k 10.0.0.0/8 1..2 1-2'), [
    'number 53',
    'number 0x1F',
    'number 10k',
    'dotted 10.0.0.0/8',
    ...['number 1', 'symbol ..', 'number 2', 'number 1', 'symbol -', 'number 2', 'end'],
  ])
  assert.deepEqual(kinds('::1 2001:db8::/32 de:ad:be:ef ::ffff:1.2.3.4/127 ::'), [
    'colons ::1',
    'colons 2001:db8::/32',
    'colons de:ad:be:ef',
    'colons ::ffff:1.2.3.4/127',
    'colons ::',
    'end',
  ])
})

test('lex() keeps slices, sets and texts whole', () => {
  assert.deepEqual(kinds('udp.payload[0:4]$a-b.c "a\\" b"{$x}'), [
    'word udp.payload',
    'slice [0:4]',
    'set $a-b.c',
    'string "a\\" b"',
    ...['symbol {', 'set $x', 'symbol }', 'end'],
  ])
})

test('lex() takes the longest symbol and skips comments', () => {
  assert.deepEqual(kinds('a&&b&c # and so on\n<=<'), [
    ...['word a', 'symbol &&', 'word b', 'symbol &', 'word c', 'symbol <=', 'symbol <', 'end'],
  ])
})

test('lex() says what to write instead of what it cannot read', () => {
  for (const [text, advice] of [
    ['a = b', 'write "=="'],
    ['a | b', 'write "||" or "or"'],
    ['"abc', 'end the text with another "'],
    ['a[0:4', 'end the slice with "]"'],
    ["a == 'b'", 'write texts in double quotes'],
  ] as const) {
    assert.throws(() => lex(text), { code: 'RULE_SYNTAX', suggestion: advice }, text)
  }
})

test('lex() gives each token its place', () => {
  assert.deepEqual(
    lex('  udp\n==').map(({ offset, length }) => [offset, length]),
    [
      [2, 3],
      [6, 2],
      [8, 1],
    ],
  )
})
