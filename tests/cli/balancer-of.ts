import type { Control } from '../../src/agent/index.ts'
import type { BackendStatus, ServiceStatus } from '../../src/balancer/index.ts'

const BUCKETS = 16_384
const DOWN = 7
const DRAINING = 8

/** Answers of a balancer of that size, all services on all backends: `edge7` is down, `edge8` is draining. */
export function balancerOf(size: { services: number; backends: number }): Pick<Control, 'services' | 'backends'> {
  const count = { packets: 98_765_432_109, bytes: 55_123_456_789_012, transitions: 4_000, previous: 250 }
  const names = Array.from({ length: size.backends }, (_, index) => `edge${index}`)
  const ids = Array.from({ length: size.services }, (_, index) => `service-${index}`)
  const buckets = Math.floor(BUCKETS / (size.backends - 1))
  const shares = names.map((backend, index) => ({
    backend,
    buckets: index === DOWN ? 0 : buckets,
    previous: 0,
    down: index === DOWN,
    factor: 1,
  }))
  const services = ids.map(
    (id): ServiceStatus => ({
      id,
      address: '2001:db8:5353:5353:5353:5353:5353:5353',
      protocols: ['tcp', 'udp'],
      ports: [53, 80, 443, 853, 8_080, 8_443],
      encapsulation: 'gue',
      quic: true,
      fragments: true,
      buckets: BUCKETS,
      inTransition: 512,
      shares,
      count,
    }),
  )
  const backends = shares.map(
    (share, index): BackendStatus => ({
      name: share.backend,
      address: '2001:db8:1234:1234:1234:1234:1234:1234',
      self: index === 0,
      weight: 1.25,
      state: index === DOWN ? 'down' : index === DRAINING ? 'draining' : 'active',
      serverId: index,
      buckets: share.buckets,
      previous: 12,
      resolved: true,
      failures: index === DOWN ? Object.fromEntries(ids.map((id) => [id, 'connection refused'])) : {},
      count,
    }),
  )
  return { services: async () => services, backends: async () => backends }
}
