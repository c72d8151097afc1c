import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSets } from '../../src/cli/read-sets.ts'
import { loadConfig } from '../../src/config/index.ts'
import { formatAddress, parseAddress } from '../../src/net/address.ts'
import { evaluate } from '../../src/rules/evaluate.ts'
import { fromInternet, harmless, reflected } from '../support/reflected.ts'

const { desired } = await loadConfig('examples/config-bogons-and-reflectors.yaml')
const sets = await readSets(desired)
const bogons = sets.get('bogons')!
const env = {
  sets: { has: (name: string, address: ReturnType<typeof parseAddress>) => sets.get(name)!.includes(address) },
}

/** What becomes of a packet, by which rule, and the last rule that looked at it. */
const decide = (packet: Uint8Array) => {
  const { verdict, rule, matched } = evaluate(desired, packet, env)
  return { verdict, rule, matched }
}

test('examples/bogons.txt holds what is special, to its first and last address', () => {
  const special = ['0.0.0.0', '10.0.0.0', '10.255.255.255', '100.64.0.0', '100.127.255.255', '127.0.0.1', '169.254.1.1']
    .concat(['172.16.0.0', '172.31.255.255', '192.0.0.8', '192.0.2.255', '192.168.0.1', '198.18.0.0', '198.19.255.255'])
    .concat(['198.51.100.7', '203.0.113.0', '224.0.0.1', '239.255.255.255', '240.0.0.0', '255.255.255.255', '::1'])
    .concat([
      '::ffff:8.8.8.8',
      '64:ff9b:1::1',
      '100::1',
      '2001:2::1',
      '2001:db8::1',
      '3fff::1',
      '5f00::1',
      'fd00::1',
      'ff02::1',
    ])
  for (const address of special) assert.ok(bogons.includes(parseAddress(address)), address)
})

test('examples/bogons.txt holds none of their neighbours, and nothing that IPv6 needs', () => {
  const ordinary = [
    '1.0.0.0',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
  ]
    .concat([
      '169.253.255.255',
      '172.15.255.255',
      '172.32.0.0',
      '192.0.1.0',
      '192.0.3.0',
      '192.167.255.255',
      '198.20.0.0',
    ])
    .concat(['198.17.255.255', '203.0.114.0', '223.255.255.255', '::', 'fe80::1', '2000::1', '2001:4860:4860::8888'])
    .concat(['2001:dc0::1', '2620:0:ccc::2', '2a00:1450::1', '3ffe:ffff::1', '4000::1'])
  for (const address of ordinary) assert.ok(!bogons.includes(parseAddress(address)), address)
})

test('examples/config-bogons-and-reflectors.yaml drops spoofed sources of both families', () => {
  for (const src of ['10.1.2.3', '192.0.2.1', 'fd00::1', '2001:db8::1']) {
    assert.deepEqual(decide(fromInternet({ src: formatAddress(parseAddress(src)) }, { srcport: 40_000 }, 'x')), {
      verdict: 'drop',
      rule: 'bogons',
      matched: ['bogons'],
    })
  }
})

for (const { rule, packet } of reflected) {
  test(`examples/config-bogons-and-reflectors.yaml knows ${rule}`, () => {
    const decision = decide(packet)
    assert.deepEqual(decision.matched, [rule])
    const limited = desired.rules.find(({ id }) => id === rule)!.action.kind === 'limit'
    assert.equal(decision.verdict, limited ? 'pass' : 'drop')
  })
}

test('examples/config-bogons-and-reflectors.yaml has a packet here for each of its rules', () => {
  const known = new Set(['bogons', ...reflected.map(({ rule }) => rule)])
  assert.deepEqual(
    desired.rules.map(({ id }) => id).filter((id) => !known.has(id)),
    [],
  )
})

for (const { name, packet } of harmless) {
  test(`examples/config-bogons-and-reflectors.yaml lets ${name} pass`, () => {
    const { verdict, matched } = decide(packet)
    assert.equal(verdict, 'pass', `dropped by ${matched}`)
  })
}
