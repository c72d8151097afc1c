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
    followLoad: { every: '30s', buckets: 16 },
  }
  const desired = read(config)
  assert.deepEqual(desired.fleet, { port: 9999 })
  assert.deepEqual(desired.followLoad, { everyMs: 30_000, buckets: 16 })
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

test('balancerSchema lets shares follow load only in a fleet, by a 256th of a table if nothing else is said', () => {
  assert.deepEqual(read({ fleet: {}, followLoad: {} }).followLoad, { everyMs: 10_000, buckets: 64 })
  assert.deepEqual(mistakesOf({ followLoad: {} }), [
    'followLoad: a fleet, as each machine reports its own load (add fleet: {})',
  ])
  const balancers = { lb1: '10.0.9.1' }
  assert.deepEqual(mistakesOf({ fleet: { balancers, backends: false }, followLoad: {} }), [
    'followLoad: backends in the fleet, as each reports its own load (remove fleet.backends)',
  ])
  assert.deepEqual(mistakesOf({ fleet: {}, followLoad: true }), [
    'followLoad: an object such as { every: "10s", buckets: 64 }',
  ])
  assert.deepEqual(mistakesOf({ fleet: {}, followLoad: { every: '10ms', buckets: 32_768, evry: 1 } }), [
    'followLoad.evry: one of every, buckets (did you mean "every"?)',
    'followLoad.every: a duration from "1s" to "1h"',
    'followLoad.buckets: a whole number from 1 to 16384',
  ])
})

test('balancerSchema refuses what is no balancer, and keys that it does not know', () => {
  assert.deepEqual(mistakesOf({ bucket: 256, fleet: { prot: 1 } }), [
    'bucket: one of key, backends, services, buckets, guePort, transition, fleet, followLoad (did you mean "buckets"?)',
    'fleet.prot: one of port, balancers, backends (did you mean "port"?)',
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

test('balancerSchema reads which machines agree on tables', () => {
  const balancers = { lb1: '10.0.9.1', lb2: 'fd00::9' }
  const machines = [
    { name: 'lb1', address: '10.0.9.1' },
    { name: 'lb2', address: 'fd00::9' },
  ]
  assert.deepEqual(read({ fleet: { balancers } }).fleet, { port: 9436, balancers: machines })
  assert.deepEqual(read({ fleet: { port: 1, balancers, backends: false } }).fleet, {
    port: 1,
    balancers: machines,
    isOfBalancers: true,
  })
})

test('balancerSchema refuses balancers that are backends, have no address, or are none where they alone decide', () => {
  const strange = { edge1: '10.0.9.1', lb1: '10.0.1.1', lb2: 'here', lb3: '10.0.9.1', 7: '10.0.9.2' }
  assert.deepEqual(mistakesOf({ fleet: { balancers: strange } }), [
    'fleet.balancers.7: a name of letters, digits, ".", "_" and "-", at most 63 characters, not of digits alone',
    'fleet.balancers.edge1: a name that no backend has',
    'fleet.balancers.lb1: another address than that of edge1 (name each machine once)',
    'fleet.balancers.lb2: an address such as "10.0.1.2" or "fd00::2"',
    'fleet.balancers.lb3: another address than that of edge1 (name each machine once)',
  ])
  const example = '{ lb1: "10.0.9.1", lb2: "10.0.9.2" }'
  assert.deepEqual(mistakesOf({ fleet: { balancers: {}, backends: false } }), [
    `fleet.balancers: 1 to 1023 machines by name, such as ${example}`,
    `fleet.backends: true, or balancers that decide instead (add balancers: ${example})`,
  ])
  assert.deepEqual(mistakesOf({ fleet: { backends: 'no' } }), ['fleet.backends: true or false'])
})
