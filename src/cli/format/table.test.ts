import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTable } from './table.ts'

const columns = [{ title: 'ID' }, { title: 'N', align: 'right' as const }, { title: 'TEXT' }]

test('formatTable() aligns columns and leaves no blanks at the ends of lines', () => {
  const text = formatTable(columns, [
    ['a', '1', 'one'],
    ['bcd', '1,000', ''],
  ])
  assert.equal(text, 'ID       N  TEXT\na        1  one\nbcd  1,000\n')
})

test('formatTable() wraps the last column to the width', () => {
  const text = formatTable(columns, [['a', '1', 'one two three four five six seven']], { width: 30 })
  assert.ok(
    text.split('\n').every((line) => line.length <= 30),
    text,
  )
  assert.equal(text.replaceAll(/\s+/g, ' '), 'ID N TEXT a 1 one two three four five six seven ')
})

test('formatTable() does not count colour codes', () => {
  const red = `\u001b[31mred\u001b[39m`
  const text = formatTable(columns, [
    [red, '1', 'x'],
    ['abcde', '2', 'y'],
  ])
  assert.equal(text.split('\n')[1], `${red}    1  x`)
})
