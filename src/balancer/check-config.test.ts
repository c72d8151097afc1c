import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mistakesOfServices, read } from '../../tests/support/balancer-config.ts'

const service = { address: '192.0.2.53', ports: [443, 80], protocol: ['tcp', 'udp'] }

const mistakes = (check: unknown, changes: object = {}) => mistakesOfServices({ ...service, ...changes, check })

const checkOf = (check: unknown, changes: object = {}) =>
  read({ services: [{ ...service, ...changes, check }] }).services[0]!.check!

test('readCheck reads each kind of check, on the first port of the service', () => {
  const timing = { everyMs: 2_000, timeoutMs: 1_000, rise: 2, fall: 3 }
  assert.deepEqual(checkOf({ tcp: true }), { probe: { kind: 'tcp', port: 443 }, ...timing })
  assert.deepEqual(checkOf({ http: '/', port: 80, host: 'example.com', status: 204 }), {
    probe: { kind: 'http', port: 80, path: '/', host: 'example.com', status: 204 },
    ...timing,
  })
  assert.deepEqual(checkOf({ http: '/health?full=1' }).probe, {
    kind: 'http',
    port: 443,
    path: '/health?full=1',
    status: 200,
  })
  assert.deepEqual(checkOf({ dns: 'example.com.' }).probe, { kind: 'dns', port: 443, name: 'example.com.' })
  assert.deepEqual(checkOf({ udp: '\0\xff', expect: 'pong' }).probe, {
    kind: 'udp',
    port: 443,
    send: '\0\xff',
    expect: 'pong',
  })
  assert.deepEqual(checkOf({ command: ['true'], fall: 1 }), {
    probe: { kind: 'command', command: ['true'] },
    ...timing,
    fall: 1,
  })
})

test('readCheck waits no longer for an answer than until the next check', () => {
  const { everyMs, timeoutMs } = checkOf({ tcp: true, every: '500ms' })
  assert.deepEqual([everyMs, timeoutMs], [500, 500])
  assert.deepEqual(mistakes({ tcp: true, every: '2s', timeout: '3s' }), [
    'services[0].check.timeout: a duration from "10ms" to "2s"',
  ])
})

test('readCheck wants exactly one kind', () => {
  const wanted =
    'a check such as { tcp: true }, { http: "/health" }, { dns: "example.com" }, { udp: "ping" } or { command: [...] }'
  for (const check of ['tcp', true, ['tcp']]) assert.deepEqual(mistakes(check), [`services[0].check: ${wanted}`])
  const remedy = '(name one of tcp, http, dns, udp, command)'
  assert.deepEqual(mistakes({ every: '2s' }), [`services[0].check: ${wanted} ${remedy}`])
  assert.deepEqual(mistakes({ tcp: true, http: '/' }), [
    `services[0].check: found tcp and http, wanted ${wanted} ${remedy}`,
  ])
})

test('readCheck refuses keys of other kinds', () => {
  assert.deepEqual(mistakes({ tcp: true, host: 'example.com' }), [
    'services[0].check.host: one of tcp, port, every, timeout, rise, fall (remove it)',
  ])
  assert.deepEqual(mistakes({ command: ['true'], port: 80 }), [
    'services[0].check.port: one of command, every, timeout, rise, fall (remove it)',
  ])
})

test('readCheck refuses values that a check cannot use', () => {
  const bytes = '1 to 1200 characters from \\x00 to \\xff, which are the bytes'
  for (const [check, mistake] of [
    [{ tcp: 80 }, 'tcp: true'],
    [{ tcp: true, port: 0 }, 'port: a whole number from 1 to 65535'],
    [{ http: 'health' }, 'http: a path such as "/health", of ASCII without spaces'],
    [{ http: '/a b' }, 'http: a path such as "/health", of ASCII without spaces'],
    [{ http: '/\r\nHost: x' }, 'http: a path such as "/health", of ASCII without spaces'],
    [{ http: '/', host: 'a\nb' }, 'host: a host name such as "example.com"'],
    [{ http: '/', status: 99 }, 'status: a whole number from 200 to 599'],
    [{ dns: 'a..b' }, 'dns: a DNS name such as "example.com"'],
    [{ dns: '' }, 'dns: a DNS name such as "example.com"'],
    [{ dns: 7 }, 'dns: a DNS name such as "example.com"'],
    [{ udp: '' }, `udp: ${bytes} to send`],
    [{ udp: '→' }, `udp: ${bytes} to send`],
    [{ udp: 'x'.repeat(1201) }, `udp: ${bytes} to send`],
    [{ udp: 'ping', expect: 7 }, `expect: ${bytes} that the answer begins with`],
    [{ command: 'true' }, 'command: a program and its arguments, such as ["/usr/local/bin/check", "--fast"]'],
    [{ command: [] }, 'command: a program and its arguments, such as ["/usr/local/bin/check", "--fast"]'],
    [{ command: [''] }, 'command: a program and its arguments, such as ["/usr/local/bin/check", "--fast"]'],
    [{ command: ['a', 'b\0'] }, 'command: a program and its arguments, such as ["/usr/local/bin/check", "--fast"]'],
    [{ tcp: true, every: '99ms' }, 'every: a duration from "100ms" to "1h"'],
    [{ tcp: true, every: 2 }, 'every: a duration from "100ms" to "1h"'],
    [{ tcp: true, timeout: '9ms' }, 'timeout: a duration from "10ms" to "2s"'],
    [{ tcp: true, rise: 0 }, 'rise: a whole number from 1 to 100'],
    [{ tcp: true, fall: 101 }, 'fall: a whole number from 1 to 100'],
  ] as const)
    assert.deepEqual(mistakes(check), [`services[0].check.${mistake}`])
})

test('readCheck wants a port where the service has all of them', () => {
  assert.deepEqual(mistakes({ tcp: true }, { ports: 'all' }), [
    'services[0].check.port: a port to check (there is no single port that is usual: name one)',
  ])
  assert.deepEqual(checkOf({ tcp: true, port: 9 }, { ports: 'all' }).probe, { kind: 'tcp', port: 9 })
})
