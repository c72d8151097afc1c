import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bindingWords, formatMatch, parseMatch, readBinding } from './binding.ts'

const words = { label: 'web', protocol: 'tcp', prefix: '192.0.2.0/24', port: '443' }

test('readBinding() reads what bindingWords() writes', () => {
  for (const more of [
    {},
    { prefix: '2001:db8::/32', port: 'any' },
    { protocol: 'udp', port: '1-9', missing: 'pass' },
  ] as const)
    assert.deepEqual(bindingWords(readBinding({ ...words, ...more })), {
      ...words,
      missing: 'drop',
      spread: 'client',
      flows: 'none',
      idle: '2m',
      ...more,
    })
  assert.equal(bindingWords(readBinding({ ...words, prefix: '192.0.2.1' })).prefix, '192.0.2.1/32')
})

test('readBinding() says what is wrong with a label, protocol, prefix or port', () => {
  const wrong = [
    [{ label: '' }, /label "": it is empty/],
    [{ label: 'a b' }, /it has spaces/],
    [{ label: 'é'.repeat(128) }, /it has 256 bytes, wanted a label of 1 to 255 bytes/],
    [{ protocol: 'sctp' }, /protocol "sctp": wanted tcp or udp/],
    [{ prefix: '192.0.2.1/24' }, /host bits are set.*\(write 192.0.2.0\/24\)/],
    [{ prefix: '192.0.2' }, /Cannot read prefix "192.0.2"/],
    [{ prefix: '::ffff:192.0.2.0/120' }, /no packet has such an address/],
    [{ port: 'http' }, /Cannot read ports "http"/],
  ] as const
  for (const [more, message] of wrong)
    assert.throws(() => readBinding({ ...words, ...more }), { code: 'SEAWALL_INPUT', message })
})

test('parseMatch() reads formatMatch()', () => {
  for (const text of ['tcp 192.0.2.0/24 443', 'udp ::/0 any', 'tcp 2001:db8::1/128 1-9'])
    assert.equal(formatMatch(parseMatch(text)), text)
  for (const text of ['', 'tcp', 'tcp 192.0.2.0/24', 'tcp 192.0.2.0/24 443 x'])
    assert.throws(() => parseMatch(text), { code: 'SEAWALL_INPUT' }, text)
})
