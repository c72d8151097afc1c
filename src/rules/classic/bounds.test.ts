import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canReject, hasSmallIndex, neededBytes, readsEthernetAddresses } from './bounds.ts'
import { compilePcap } from './compile-pcap.ts'

const LIMIT = 0xffff
const least = (text: string): number => neededBytes(compilePcap(text), LIMIT)[0]!

test('neededBytes() is what every accepting way reads at least', () => {
  assert.equal(least('ip'), 14)
  assert.equal(least('udp port 53'), 24, 'of IPv4, the protocol; its ports lie where its header ends')
  assert.equal(least('ip6 and udp src port 53'), 56)
  assert.equal(least('ip or ether[60] = 1'), 14)
  assert.equal(least('len > 5'), 0)
  assert.equal(least('ether[70000] = 1'), Number.POSITIVE_INFINITY)
})

test('canReject() knows programs that take every packet', () => {
  assert.equal(canReject(compilePcap('ip or not ip')), false)
  assert.equal(canReject(compilePcap('len > 5')), true)
  assert.equal(canReject(compilePcap('ip')), true)
})

test('hasSmallIndex() follows the length of headers through arithmetic', () => {
  const indexed = (text: string): boolean[] => {
    const program = compilePcap(text)
    const small = hasSmallIndex(program)
    return program.flatMap((operation, place) =>
      operation.kind === 'load' && operation.indirect ? [small[place]!] : [],
    )
  }
  assert.deepEqual(indexed('udp port 53'), [true, true])
  assert.deepEqual(indexed('tcp[((tcp[12] & 0xf0) >> 2):4] = 1'), [true, true])
  assert.deepEqual(indexed('ether[len - 4] = 1'), [false])
  assert.deepEqual(indexed('ether[ip[2:2]] = 1'), [false])
})

test('readsEthernetAddresses() sees direct and computed ways to them', () => {
  const cases: readonly [string, boolean][] = [
    ['ether host 2:0:0:0:0:1', true],
    ['ether multicast', true],
    ['ether[len - 4] = 1', true],
    ['ip[0 - ip[1]] = 1', true],
    ['udp port 53 or arp or ether proto 0x88cc', false],
    ['tcp[((tcp[12] & 0xf0) >> 2):4] = 1', false],
  ]
  for (const [text, reads] of cases) assert.equal(readsEthernetAddresses(compilePcap(text)), reads, text)
})
