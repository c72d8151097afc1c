import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KEY, mistakesOf, read, web } from '../../tests/support/balancer-config.ts'
import { formatAddress } from '../net/address.ts'
import { formatPrefix } from '../net/prefix.ts'
import type { BalancerConfig } from './config.ts'
import { serverIdOf } from './server-id.ts'

test('balancerSchema fills in what a configuration leaves out', () => {
  const { backends, services, key, ...rest } = read({})
  assert.deepEqual(rest, { buckets: 16_384, guePort: 6080, transitionMs: 3_600_000 })
  assert.equal(Buffer.from(key).toString('hex'), KEY)
  assert.deepEqual(
    backends.map(({ name, address, weight, serverId }) => [name, formatAddress(address), weight, serverId]),
    [
      ['edge2', '10.0.1.2', 1, serverIdOf('edge2')],
      ['edge1', '10.0.1.1', 1, serverIdOf('edge1')],
    ],
  )
  const [{ prefix, id, ...service }, ...others] = services as [(typeof services)[0]]
  assert.deepEqual(others, [])
  assert.equal(formatPrefix(prefix), '192.0.2.53/32')
  assert.match(id, /^tcp-[0-9a-f]{8}$/)
  assert.deepEqual(service, {
    protocols: ['tcp'],
    ports: [80],
    backends: ['edge1', 'edge2'],
    encapsulation: 'gue',
    quic: false,
    fragments: false,
  })
})

test('balancerSchema takes every key', () => {
  const config: BalancerConfig = {
    key: KEY.toUpperCase(),
    backends: { edge1: '10.0.1.1', 'edge-2.example': { address: 'fd00::2', weight: 2.5, serverId: 7 } },
    services: [
      { id: 'quic', address: '192.0.2.53', port: 443, protocol: 'udp', quic: true },
      {
        id: 'dns',
        address: '192.0.2.0/24',
        ports: [53, 853],
        protocol: ['tcp', 'udp'],
        fragments: true,
        backends: ['edge1'],
        encapsulation: 'ipip',
        check: { dns: 'example.com', every: '3s', timeout: '500ms', rise: 1, fall: 5 },
      },
      { id: 'all', address: '2001:db8:53::/64', ports: 'all', protocol: 'tcp', check: { http: '/health', port: 80 } },
    ],
    buckets: 65_536,
    guePort: 6081,
    transition: '1h30m',
    fleet: { port: 9999 },
  }
  const desired = read(config)
  assert.deepEqual(desired.fleet, { port: 9999 })
  assert.deepEqual(
    [desired.buckets, desired.guePort, desired.transitionMs, Buffer.from(desired.key).toString('hex')],
    [65_536, 6081, 5_400_000, KEY],
  )
  const { name, weight, serverId } = desired.backends[1]!
  assert.deepEqual({ name, weight, serverId }, { name: 'edge-2.example', weight: 2.5, serverId: 7 })
  const [quic, dns, all] = desired.services
  assert.equal(quic!.quic, true)
  assert.deepEqual(
    { ...dns, prefix: formatPrefix(dns!.prefix) },
    {
      id: 'dns',
      prefix: '192.0.2.0/24',
      protocols: ['tcp', 'udp'],
      ports: [53, 853],
      backends: ['edge1'],
      encapsulation: 'ipip',
      quic: false,
      fragments: true,
      check: {
        probe: { kind: 'dns', port: 53, name: 'example.com' },
        everyMs: 3_000,
        timeoutMs: 500,
        rise: 1,
        fall: 5,
      },
    },
  )
  assert.equal(all!.ports, 'all')
})

test('balancerSchema gives a fleet its port', () => {
  assert.deepEqual(read({ fleet: {} }).fleet, { port: 9436 })
  assert.deepEqual(mistakesOf({ fleet: { port: 0 } }), ['fleet.port: a whole number from 1 to 65535'])
  assert.deepEqual(mistakesOf({ fleet: 9436 }), ['fleet: an object such as { port: 9436 }'])
})

test('balancerSchema refuses what is no balancer, and keys that it does not know', () => {
  assert.deepEqual(mistakesOf({ bucket: 256, fleet: { prot: 1 } }), [
    'bucket: one of key, backends, services, buckets, guePort, transition, fleet (did you mean "buckets"?)',
    'fleet.prot: one of port (did you mean "port"?)',
  ])
  assert.deepEqual(mistakesOf({ key: undefined, backends: undefined, services: undefined }), [
    'backends: an object of backends, such as { edge1: "10.0.1.2", edge2: "10.0.1.3" }',
    'services: a list of services such as [{ address: "192.0.2.53", port: 53, protocol: "udp" }]',
    'key: found nothing, wanted 32 hexadecimal digits made at random, the same on every machine (openssl rand -hex 16 makes one)',
  ])
})

test('balancerSchema refuses weak keys, and never shows one', () => {
  for (const [key, found] of [
    [KEY.slice(1), 'text of 31 characters'],
    [`${KEY.slice(1)}g`, 'other characters than hexadecimal digits'],
    ['0'.repeat(32), 'the same digits again and again'],
    ['0123456789abcdef'.repeat(2), 'the same digits again and again'],
    [12345, 'a number'],
    [null, 'no text'],
  ]) {
    const [mistake, ...others] = mistakesOf({ key })
    assert.deepEqual(others, [])
    assert.match(mistake!, new RegExp(`^key: found ${found}, wanted 32 hexadecimal digits`))
  }
  assert.match(mistakesOf({ key: 12345 })[0]!, /\(put it in quotes\)$/)
})

test('balancerSchema refuses numbers out of their range', () => {
  assert.deepEqual(mistakesOf({ buckets: 1000, guePort: 65_536, transition: '10' }), [
    'buckets: a power of two (write 512 or 1024)',
    'guePort: a whole number from 1 to 65535',
    'transition: a duration from "1s" to "7d"',
  ])
  for (const buckets of [128, 2_097_152, 256.5, '256'])
    assert.deepEqual(mistakesOf({ buckets }), ['buckets: a whole number from 256 to 1048576'])
  for (const transition of ['500ms', '8d', 3600])
    assert.deepEqual(mistakesOf({ transition }), ['transition: a duration from "1s" to "7d"'])
})

test('balancerSchema refuses no services, and more than there is room for', () => {
  assert.deepEqual(mistakesOf({ services: [] }), ['services: found 0, wanted 1 to 1023 services'])
  const many = Array.from({ length: 1024 }, (_, index) => ({ ...web, address: `192.0.${index >> 8}.${index & 255}` }))
  assert.deepEqual(mistakesOf({ services: many }), ['services: found 1024, wanted 1 to 1023 services'])
  assert.equal(read({ services: many.slice(1) }).services.length, 1023)
})
