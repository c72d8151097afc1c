import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dissect } from '../../net/dissect.ts'
import { areFlowWords, packetOfWords } from './flow-words.ts'
import { summarize } from './summary.ts'

const summary = (text: string) => summarize(dissect(packetOfWords(text.split(' '))))

test('packetOfWords() builds a packet of either protocol and family', () => {
  assert.equal(
    summary('tcp 203.0.113.7:40000 192.0.2.53:443'),
    'IPv4 TCP 203.0.113.7:40000 → 192.0.2.53:443 SYN, 54 bytes',
  )
  assert.equal(
    summary('TCP 203.0.113.7:40000 192.0.2.53:443 ack'),
    'IPv4 TCP 203.0.113.7:40000 → 192.0.2.53:443 ACK, 54 bytes',
  )
  assert.equal(
    summary('udp [2001:DB8::7]:53 [2001:db8::1]:65535'),
    'IPv6 UDP [2001:db8::7]:53 → [2001:db8::1]:65535, 62 bytes',
  )
})

test('packetOfWords() says what is wrong with anything else', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['tcp 192.0.2.1:1', /found 2 words, wanted tcp\|udp SOURCE:PORT/],
    ['tcp 192.0.2.1 192.0.2.2:1', /Cannot read "192\.0\.2\.1": wanted address and port/],
    ['tcp 192.0.2.1:65536 192.0.2.2:1', /"192\.0\.2\.1:65536"/],
    ['tcp 192.0.2.256:1 192.0.2.2:1', /"192\.0\.2\.256:1"/],
    ['udp 2001:db8::1:53 [::1]:1', /IPv6 in brackets/],
    ['udp [192.0.2.1]:53 192.0.2.2:1', /IPv6 in brackets/],
    ['udp [::1]:53 192.0.2.2:1', /found IPv4 and IPv6/],
    ['tcp 192.0.2.1:1 192.0.2.2:1 fin', /found "fin" behind its ends, wanted syn or ack/],
    ['udp 192.0.2.1:1 192.0.2.2:1 ack', /wanted nothing/],
  ]
  for (const [text, message] of cases) {
    assert.throws(() => packetOfWords(text.split(' ')), { code: 'SEAWALL_INPUT', message })
  }
})

test('areFlowWords() leaves files and hexadecimal digits alone', () => {
  assert.equal(areFlowWords(['tcp', '192.0.2.1:1']), true)
  for (const words of [[], ['tcp'], ['tcp.pcap', 'x'], ['de', 'ad']]) assert.equal(areFlowWords(words), false)
})
