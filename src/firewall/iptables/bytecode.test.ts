import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseExpr } from '../../rules/parser.ts'
import { bytecode } from './bytecode.ts'
import type { Family } from './family.ts'

function bytecodeOf(text: string, family: Family = 4): string | undefined {
  const expr = parseExpr(`pcap("${text}")`)
  assert.ok(expr.kind === 'pcap')
  return bytecode(expr.program, family)
}

test('bytecode() counts from the IP header and knows the family', () => {
  // A = EtherType; IPv4? A = protocol; UDP? yes : no.
  assert.equal(bytecodeOf('ip and udp'), '6,0 0 0 2048,21 0 3 2048,48 0 0 9,21 0 1 17,6 0 0 262144,6 0 0 0')
  assert.match(bytecodeOf('ip and udp', 6)!, /^6,0 0 0 34525,/)
  // X = header length, A = port at X + 2.
  assert.match(bytecodeOf('ip and udp dst port 53')!, /,177 0 0 0,72 0 0 2,21 0 1 53,/)
})

test('bytecode() counts from what it has computed, if that is no large number', () => {
  assert.match(bytecodeOf('tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420')!, /,7 0 0 0,64 0 0 0,21 0 1 1195725856,/)
})

test('bytecode() leaves to another program what it cannot say exactly', () => {
  for (const text of [
    'len > 100',
    'ether src 02:00:00:00:00:01',
    'ether[0] & 1 != 0',
    // What it counts from may be any number.
    'ip[ip[4:4]] = 7',
    // Too long.
    Array.from({ length: 40 }, (_, i) => `port ${1000 + 2 * i}`).join(' or '),
  ]) {
    assert.equal(bytecodeOf(text), undefined, text)
  }
})
