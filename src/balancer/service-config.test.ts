import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mistakesOf, mistakesOfServices, read, web } from '../../tests/support/balancer-config.ts'

const mistakes = (changes: object) => mistakesOfServices({ ...web, ...changes })

const idOf = (service: object) => read({ services: [service] }).services[0]!.id

test('readService makes an id of address, protocol and ports alone, in any order', () => {
  const service = { address: '192.0.2.53', ports: [443, 80], protocol: ['udp', 'tcp'] }
  const id = idOf(service)
  assert.match(id, /^tcp-udp-[0-9a-f]{8}$/)
  assert.equal(idOf({ ...service, ports: [80, 443], protocol: ['tcp', 'udp'] }), id)
  assert.equal(idOf({ ...service, address: '192.0.2.53/32', backends: ['edge1'], encapsulation: 'ipip' }), id)
  for (const change of [{ address: '192.0.2.54' }, { ports: [80] }, { ports: 'all' }, { protocol: 'tcp' }])
    assert.notEqual(idOf({ ...service, ...change }), id)
  assert.equal(idOf({ ...service, id: 'web' }), 'web')
})

test('readService refuses what is no service, and keys that it does not know', () => {
  const wanted = 'a service such as { address: "192.0.2.53", port: 53, protocol: "udp" }'
  assert.deepEqual(mistakesOfServices('192.0.2.53:53', web), [`services[0]: ${wanted}`])
  assert.deepEqual(mistakes({ backend: ['edge1'] }), [
    'services[0].backend: one of id, address, port, ports, protocol, backends, encapsulation, quic, fragments, check (did you mean "backends"?)',
  ])
  for (const id of ['', 'a b', 'x'.repeat(64), 7])
    assert.deepEqual(mistakes({ id }), [
      'services[0].id: a name of letters, digits, ".", "_" and "-", at most 63 characters',
    ])
})

test('readService refuses addresses that cannot be read or served', () => {
  const wanted = 'an address or a prefix such as "192.0.2.53" or "2001:db8:53::/64"'
  for (const address of ['192.0.2', undefined, 7, '192.0.2.0/33'])
    assert.deepEqual(mistakes({ address }), [`services[0].address: ${wanted}`])
  assert.deepEqual(mistakes({ address: '192.0.2.53/24' }), [`services[0].address: ${wanted} (write 192.0.2.0/24)`])
  assert.deepEqual(mistakes({ address: '127.0.0.1' }), [
    'services[0].address: addresses that clients can send packets to (it is loopback)',
  ])
  assert.deepEqual(mistakes({ address: '::/0' }), [
    'services[0].address: addresses that clients can send packets to (some of it is no address)',
  ])
})

test('readService wants one of port and ports', () => {
  assert.deepEqual(mistakes({ port: undefined }), [
    'services[0]: found neither port nor ports, wanted port or ports (for all of them write ports: all)',
  ])
  assert.deepEqual(mistakes({ ports: [80] }), [
    'services[0]: found port and ports, wanted port or ports (remove one of them)',
  ])
  for (const port of [0, 65_536, '80', 'all', 1.5])
    assert.deepEqual(mistakes({ port }), ['services[0].port: a whole number from 1 to 65535'])
  for (const ports of ['any', [], 80, {}])
    assert.deepEqual(mistakes({ port: undefined, ports }), [
      'services[0].ports: all, or a list of ports such as [80, 443]',
    ])
  assert.deepEqual(mistakes({ port: undefined, ports: [80, 0, '443', 80] }), [
    'services[0].ports[1]: a whole number from 1 to 65535',
    'services[0].ports[2]: a whole number from 1 to 65535',
    'services[0].ports[3]: each port once (remove one)',
  ])
})

test('readService refuses other protocols and encapsulations, and flags that are neither true nor false', () => {
  for (const protocol of ['sctp', undefined, [], ['tcp', 'tcp'], ['tcp', 'icmp'], 6])
    assert.deepEqual(mistakes({ protocol }), ['services[0].protocol: tcp, udp or ["tcp", "udp"]'])
  assert.deepEqual(mistakes({ encapsulation: 'geneve', quic: 1, fragments: 'yes' }), [
    'services[0].encapsulation: gue or ipip',
    'services[0].quic: true or false',
    'services[0].fragments: true or false',
  ])
  assert.deepEqual(mistakes({ quic: true }), [
    'services[0].quic: quic only where protocol is or has udp (QUIC is carried by UDP)',
  ])
  assert.deepEqual(mistakes({ quic: true, protocol: ['tcp', 'udp'] }), [])
})

test('readService refuses backends that are not there, or named twice', () => {
  assert.deepEqual(mistakes({ backends: ['edge1', 'edg2', 'edge1', 5, 'server'] }), [
    'services[0].backends[1]: the name of a backend (did you mean "edge2"?)',
    'services[0].backends[2]: each backend once (remove one)',
    'services[0].backends[3]: the name of a backend (see backends)',
    'services[0].backends[4]: the name of a backend (see backends)',
  ])
  for (const backends of [[], 'edge1', {}])
    assert.deepEqual(mistakes({ backends }), [
      'services[0].backends: a list of names of backends such as ["edge1", "edge2"] (leave it out for all of them)',
    ])
})

test('readService knows the names of backends that cannot be read', () => {
  const backends = { edge1: '10.0.1', edge2: '10.0.1.2' }
  assert.deepEqual(mistakesOf({ backends, services: [{ ...web, backends: ['edge1'] }] }), [
    'backends.edge1: an address such as "10.0.1.2" or "fd00::2"',
  ])
  assert.deepEqual(mistakesOf({ backends: 7, services: [{ ...web, backends: ['edge1'] }] }).length, 1)
})
