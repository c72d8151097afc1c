import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPrefix, parsePrefix } from '../net/prefix.ts'
import { JOURNAL_BYTES, JOURNAL_ENTRIES, Journal } from './journal.ts'

const text = (journal: Journal) => [...journal.entries()].map(({ op, prefix }) => `${op} ${formatPrefix(prefix)}`)

test('Journal returns the changes of both families in order', () => {
  const bytes = new Uint8Array(JOURNAL_BYTES)
  const journal = new Journal(bytes)
  journal.append({ op: 'add', prefix: parsePrefix('192.0.2.0/24') })
  journal.append({ op: 'delete', prefix: parsePrefix('2001:db8::/33') })
  assert.deepEqual(text(new Journal(bytes)), ['add 192.0.2.0/24', 'delete 2001:db8::/33'])
  assert.equal(journal.growth, 0)
})

test('Journal is full after its last entry, and counts what it added', () => {
  const journal = new Journal(new Uint8Array(JOURNAL_BYTES))
  for (let index = 0; index < JOURNAL_ENTRIES; index++) {
    assert.equal(journal.isFull, false)
    journal.append({ op: 'add', prefix: { family: 4, value: BigInt(index), length: 32 } })
  }
  assert.equal(journal.isFull, true)
  assert.equal(journal.growth, JOURNAL_ENTRIES)
})
