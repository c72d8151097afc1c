import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseExpr } from '../../rules/parser.ts'
import { formatExpr } from '../../rules/print.ts'
import { setsIn, splitMatch } from './match.ts'

function split(text: string) {
  const { sets, bytecodes, rest } = splitMatch(parseExpr(text), 4)
  const shown = sets.map(({ name, side, not }) => `${not ? '!' : ''}${name} ${side}`)
  return {
    sets: shown,
    ...(bytecodes.length > 0 ? { bytecodes } : {}),
    rest: rest === undefined ? undefined : formatExpr(rest),
  }
}

test('splitMatch() gives sets of a conjunction to ipset and the rest to a program', () => {
  assert.deepEqual(split('ip.src in $bad'), { sets: ['bad src'], rest: undefined })
  assert.deepEqual(split('udp.srcport == 53 and ip.dst not in $ours and not ip.src not in $bad and ip.ttl > 1'), {
    sets: ['!ours dst', 'bad src'],
    rest: 'udp.srcport == 53 and ip.ttl > 1',
  })
  assert.deepEqual(split('true'), { sets: [], rest: undefined })
})

test('splitMatch() leaves sets in the program where ipset would mean something else', () => {
  for (const text of ['ip.src in $bad or tcp', 'ip.src in {192.0.2.0/24, $bad}', 'not (ip.src in $bad and tcp)']) {
    assert.deepEqual(split(text), { sets: [], rest: formatExpr(parseExpr(text)) })
    assert.deepEqual(setsIn(parseExpr(text)), ['bad'])
  }
})

test('splitMatch() gives tcpdump expressions to iptables as bytecode, unless they are too long for that', () => {
  assert.deepEqual(split('pcap("udp") and ip.ttl > 1'), {
    sets: [],
    bytecodes: ['4,48 0 0 9,21 0 1 17,6 0 0 262144,6 0 0 0'],
    rest: 'ip.ttl > 1',
  })
  const long = `pcap("${Array.from({ length: 40 }, (_, i) => `port ${1000 + 2 * i}`).join(' or ')}")`
  assert.deepEqual(split(long), { sets: [], rest: long })
})
