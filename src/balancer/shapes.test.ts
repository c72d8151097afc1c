import assert from 'node:assert/strict'
import { test } from 'node:test'
import { read, web } from '../../tests/support/balancer-config.ts'
import { keysOf } from './keys.ts'
import { shapesOf } from './shapes.ts'

const all = { address: '192.0.2.53', ports: 'all', protocol: 'udp' }

test('shapesOf gives each kind once, the most specific first', () => {
  const { services } = read({
    services: [
      { ...all, address: '192.0.2.0/24' },
      { ...web, address: '192.0.2.0/24' },
      web,
      { ...web, port: 443 },
      { ...all, address: '2001:db8::/48' },
      all,
    ],
  })
  assert.deepEqual(shapesOf(services), {
    4: [
      { length: 32, anyPort: false },
      { length: 32, anyPort: true },
      { length: 24, anyPort: false },
      { length: 24, anyPort: true },
    ],
    6: [{ length: 48, anyPort: true }],
  })
})

test('keysOf gives each port and protocol, and one key without a port for all of them', () => {
  const { services } = read({
    services: [
      { id: 'a', address: '192.0.2.53', ports: [80, 443], protocol: ['tcp', 'udp'] },
      { id: 'b', ...web, port: 8080, fragments: true },
      { id: 'c', ...web, port: 8081, fragments: true },
      { id: 'd', ...all, address: '2001:db8::53' },
    ],
  })
  const keys = keysOf(services).map(({ kind, protocol, port, service }) => `${kind} ${protocol} ${port} ${service.id}`)
  assert.deepEqual(keys, [
    'ports tcp 80 a',
    'ports tcp 443 a',
    'ports udp 80 a',
    'ports udp 443 a',
    'ports tcp 8080 b',
    'ports tcp 8081 c',
    'ports udp 0 d',
    'portless tcp 0 b',
    'portless udp 0 a',
    'portless udp 0 d',
  ])
})
