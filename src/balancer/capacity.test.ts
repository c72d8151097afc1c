import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mistakesOf, mistakesOfServices, read, web } from '../../tests/support/balancer-config.ts'

const ports = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

test('refuseExcess refuses more keys than the data plane finds', () => {
  const service = (count: number) => ({ ...web, port: undefined, ports: ports(count) })
  assert.deepEqual(mistakesOfServices(service(4095)), [])
  assert.deepEqual(mistakesOfServices(service(4096)), [
    'services: found 4097 keys, wanted at most 4096 keys: one for each address, protocol and port, and one for each address and protocol (use ports: all for services of many ports)',
  ])
})

test('refuseExcess refuses more kinds of keys than the data plane looks for', () => {
  const lengths = [24, 25, 26, 27, 28, 29, 30, 31]
  const services = lengths.map((length) => ({ ...web, address: `192.0.2.0/${length}` }))
  const v6 = { ...web, address: '2001:db8::53' }
  assert.deepEqual(mistakesOfServices(...services, v6), [])
  const kinds = [...lengths]
    .reverse()
    .map((length) => `/${length} with a port`)
    .join(', ')
  assert.deepEqual(mistakesOfServices(...services, v6, { ...web, port: undefined, ports: 'all' }), [
    `services[9].address: found 9 kinds: /32 with all ports, ${kinds}, wanted at most 8 kinds of IPv4 services, each of which costs every packet a look-up (use fewer lengths of prefixes, or fewer of them both with a port and with all ports)`,
  ])
})

test('refuseExcess refuses bucket tables of more than 64 MiB, and counts those of the same backends once', () => {
  const names = ports(5).map((number) => `edge${number}`)
  const backends = Object.fromEntries(names.map((name, index) => [name, `10.0.1.${index}`]))
  const buckets = 4 * 1_048_576
  const services = names.map((name, index) => ({ ...web, port: index + 1, backends: [name] }))
  const most = { backends, buckets: buckets / 4 }
  assert.equal(read({ ...most, services: services.slice(0, 4) }).services.length, 4)
  assert.equal(read({ ...most, services: services.map((one) => ({ ...one, backends: names })) }).services.length, 5)
  assert.deepEqual(
    mistakesOf({ ...most, services: ports(17).map((port) => ({ ...web, port, backends: subset(names, port) })) }),
    [
      'buckets: found 17 tables (one for each set of backends) of 1048576 rows of 4 bytes, 68 MiB, wanted bucket tables of at most 64 MiB (set buckets to 524288 or less, or give more services the same backends)',
    ],
  )
})

test('refuseExcess refuses tables with fewer rows than backends', () => {
  const many = ports(300).map((number) => [
    `edge${number}`,
    { address: `10.0.${number >> 8}.${number & 255}`, serverId: number, weight: number > 256 ? 0 : 1 },
  ])
  const backends = Object.fromEntries(many)
  assert.deepEqual(mistakesOf({ backends, buckets: 256 }), [])
  const one = { ...backends, edge300: { address: '10.0.1.44', serverId: 300 } }
  assert.deepEqual(mistakesOf({ backends: one, buckets: 256 }), [
    'buckets: found 256 rows, wanted a row at least for each of 257 backends (set buckets to 512 or more)',
  ])
})

/** One of the sets of names, another for each number from 1. */
function subset(names: readonly string[], number: number): string[] {
  return names.filter((_, index) => (number >> index) & 1)
}
