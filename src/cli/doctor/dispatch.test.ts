import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BindingStatus, DestinationStatus } from '../../dispatch/types.ts'
import { judgeDispatch } from './dispatch.ts'

const binding = (protocol: string, prefix: string, port: string): BindingStatus => {
  return {
    label: 'dns',
    protocol,
    prefix,
    port,
    missing: 'drop',
    spread: 'client',
    flows: 'none',
    idle: '2m',
    dynamic: true,
    count: 0,
  }
}

const destination = (protocol: 'tcp' | 'udp', family: 4 | 6, ...ports: readonly number[]): DestinationStatus => ({
  label: 'dns',
  protocol,
  family,
  bindings: 1,
  sockets: ports.map((port) => ({ generation: 1, address: '127.0.0.1', port, cookie: '1' })),
  generation: 1,
  dispatched: 0,
  kept: 0,
  missing: 0,
  unusable: 0,
  noted: 0,
})

const found = (bindings: BindingStatus[], destinations: DestinationStatus[], nonlocalBind?: string) =>
  judgeDispatch({ bindings, destinations, nonlocalBind }).map(({ check, level }) => `${check} ${level}`)

test('judgeDispatch() warns of labels without sockets, and of replies that come from another port', () => {
  assert.deepEqual(found([binding('udp', '192.0.2.0/24', '53')], [destination('udp', 4, 53)]), ['dispatch ok'])
  assert.deepEqual(found([binding('tcp', '192.0.2.0/24', 'any')], [destination('tcp', 4, 8_080)]), ['dispatch ok'])
  assert.deepEqual(found([binding('tcp', '192.0.2.0/24', '53')], [destination('tcp', 4)]), [
    'dispatch ok',
    'dispatch.dns warning',
  ])
  for (const port of ['any', '54', '50-60'])
    assert.deepEqual(found([binding('udp', '192.0.2.0/24', port)], [destination('udp', 4, 53)]), [
      'dispatch ok',
      'dispatch.dns.replies warning',
    ])
})

test('judgeDispatch() warns of sockets that get datagrams and answer none, where flows are known by answers', () => {
  const bindings = [{ ...binding('udp', '192.0.2.0/24', '53'), flows: 'answer' } as const]
  const asked = { ...destination('udp', 4, 53), dispatched: 2 }
  assert.deepEqual(found(bindings, [asked]), ['dispatch ok', 'dispatch.dns.answers warning'])
  for (const one of [
    { ...asked, noted: 1 },
    { ...asked, dispatched: 0 },
  ])
    assert.deepEqual(found(bindings, [one]), ['dispatch ok'])
  assert.deepEqual(found([binding('udp', '192.0.2.0/24', '53')], [asked]), ['dispatch ok'])
})

test('judgeDispatch() says what servers of UDP over IPv6 must do, unless the kernel lets all of them', () => {
  const [bindings, destinations] = [[binding('udp', '2001:db8::/48', '53')], [destination('udp', 6, 53)]]
  assert.deepEqual(found(bindings, destinations, '0'), ['dispatch ok', 'dispatch.ipv6 note'])
  assert.deepEqual(found(bindings, destinations, '1'), ['dispatch ok'])
})
