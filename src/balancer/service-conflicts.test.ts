import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mistakesOf, mistakesOfServices, web } from '../../tests/support/balancer-config.ts'

const udp = { address: '192.0.2.53', port: 53, protocol: 'udp' }

test('refuseConflicts refuses two services for one packet', () => {
  const mistakes = mistakesOfServices(
    { id: 'one', ...web },
    { id: 'two', address: '192.0.2.53/32', ports: [443, 80], protocol: ['udp', 'tcp'] },
    { id: 'three', address: '2001:db8::/64', ports: 'all', protocol: 'udp' },
    { id: 'four', address: '2001:db8::/64', ports: 'all', protocol: 'udp' },
  )
  const remedy = '(remove it from one of them)'
  assert.deepEqual(mistakes, [
    `services[1]: found 192.0.2.53/32 tcp port 80, wanted an address, protocol and port that services[0] (one) does not have ${remedy}`,
    `services[3]: found 2001:db8::/64 udp all ports, wanted an address, protocol and port that services[2] (three) does not have ${remedy}`,
  ])
  assert.equal(mistakesOfServices(web, web).length, 1)
})

test('refuseConflicts lets the more specific of two services be', () => {
  assert.deepEqual(
    mistakesOfServices(web, { ...web, address: '192.0.2.0/24' }, { ...web, port: undefined, ports: 'all' }),
    [],
  )
})

test('refuseConflicts refuses two services of one id', () => {
  assert.deepEqual(mistakesOfServices({ id: 'web', ...web }, { id: 'web', ...udp }), [
    'services[1].id: found "web", wanted another id than that of services[0] (give one of them another id)',
  ])
})

test('refuseConflicts refuses services whose fragments cannot be told apart', () => {
  const fragments = { ...udp, fragments: true, backends: ['edge1'] }
  const refusal = (index: number) =>
    `services[${index}].fragments: the backends and the encapsulation of services[0] (a), whose address and protocol it shares: later fragments have no ports (mark one of them, or give both the same backends)`
  const first = { id: 'a', ...fragments }
  assert.deepEqual(mistakesOfServices(first, { ...fragments, port: 54, backends: ['edge2'] }), [refusal(1)])
  assert.deepEqual(mistakesOfServices(first, { ...fragments, port: 54, encapsulation: 'ipip' }), [refusal(1)])
  for (const fine of [
    {},
    { backends: ['edge2'], fragments: false },
    { backends: ['edge2'], protocol: 'tcp' },
    { backends: ['edge2'], address: '192.0.2.54' },
  ])
    assert.deepEqual(mistakesOfServices(first, { ...fragments, port: 54, ...fine }), [])
})

test('refuseConflicts refuses a service in whose prefix is a backend', () => {
  assert.deepEqual(mistakesOfServices({ ...web, address: '10.0.0.0/15' }), [
    'services[0].address: found 10.0.0.0/15, in which is edge2 (10.0.1.2), wanted addresses of which none is that of a backend (give the service an address of its own: backends keep theirs)',
  ])
})

test('refuseConflicts refuses a service of which no backend has a weight', () => {
  const backends = { a: { address: '10.0.1.1', weight: 0 }, b: { address: '10.0.1.2', weight: 0 }, c: '10.0.1.3' }
  assert.deepEqual(mistakesOf({ backends, services: [{ ...web, backends: ['b', 'a'] }, udp] }), [
    'services[0].backends: found weight 0 of a, b, wanted a backend with a weight above 0 (packets would have nowhere to go: remove the service)',
  ])
})

test('refuseConflicts refuses a check that servers would drop', () => {
  const refusal = (protocol: string, port: number) => [
    `services[0].check: found a check by ${protocol} of port ${port}, wanted a check of a port and protocol that some service of the address has (it goes the way of packets of a service: check another port, or add a service for this one)`,
  ]
  const checked = (check: object) => ({ ...udp, check })
  assert.deepEqual(mistakesOfServices(checked({ tcp: true })), refusal('tcp', 53))
  assert.deepEqual(mistakesOfServices(checked({ http: '/', port: 80 })), refusal('tcp', 80))
  assert.deepEqual(mistakesOfServices(checked({ udp: 'ping', port: 54 })), refusal('udp', 54))
  assert.deepEqual(mistakesOfServices(checked({ http: '/', port: 80 }), web), [])
  assert.deepEqual(mistakesOfServices(checked({ http: '/', port: 80 }), { ...web, address: '192.0.2.0/24' }), [])
  assert.deepEqual(mistakesOfServices({ ...checked({ http: '/', port: 80 }), address: '192.0.2.0/24' }, web).length, 1)
  assert.deepEqual(mistakesOfServices(checked({ command: ['true'] })), [])
})
