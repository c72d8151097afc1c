import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePrefix } from '../../net/prefix.ts'
import { type InterfaceAddresses, pickSource } from './sources.ts'

const services = [parsePrefix('192.0.2.53/32'), parsePrefix('2001:db8:53::/64')]

function link(ifname: string, addresses: InterfaceAddresses['addr_info']): InterfaceAddresses {
  return { ifname, flags: ifname === 'lo' ? ['LOOPBACK', 'UP'] : ['UP'], addr_info: addresses }
}

test('pickSource() takes a lasting address of an interface that is no service, of the loopback interface only if there is no other', () => {
  const lo = link('lo', [
    { local: '127.0.0.1', scope: 'host' },
    { local: '192.0.2.53', scope: 'global' },
    { local: '198.51.100.1', scope: 'global' },
    { local: '2001:db8:53::53', scope: 'global' },
  ])
  const eth0 = link('eth0', [
    { local: '10.0.1.2', scope: 'global' },
    { local: 'fe80::1', scope: 'link' },
    { local: '2001:db8::7', scope: 'global', temporary: true },
    { local: '2001:db8::8', scope: 'global', deprecated: true },
    { local: '2001:db8::9', scope: 'global' },
  ])
  assert.equal(pickSource([lo, eth0], 4, services), '10.0.1.2')
  assert.equal(pickSource([lo, eth0], 6, services), '2001:db8::9')
  assert.equal(pickSource([lo], 4, services), '198.51.100.1')
  assert.equal(pickSource([lo], 6, services), undefined)
})
