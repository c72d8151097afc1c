import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBinding } from '../../dispatch/binding.ts'
import { buildPacket, ethernet, icmp, ipv4, tcp, udp } from '../../net/build.ts'
import { dissect } from '../../net/dissect.ts'
import { type DispatchFacts, explainSocket } from './socket.ts'

const facts: DispatchFacts = {
  bindings: [
    readBinding({ label: 'web', protocol: 'tcp', prefix: '192.0.2.0/24', port: 'any' }),
    readBinding({ label: 'secure', protocol: 'tcp', prefix: '192.0.2.0/24', port: '443', missing: 'pass' }),
  ],
  destinations: [
    {
      label: 'web',
      protocol: 'tcp',
      family: 4,
      bindings: 1,
      generation: 1,
      sockets: [{ generation: 1, address: '127.0.0.1', port: 80, cookie: '1' }],
      kept: 0,
      dispatched: 0,
      missing: 0,
      unusable: 0,
      noted: 0,
    },
  ],
}

const packetTo = (dstport: number, transport = tcp) =>
  dissect(buildPacket(ethernet(), ipv4({ src: '203.0.113.1', dst: '192.0.2.7' }), transport({ srcport: 9, dstport })))

test('explainSocket() names the binding that wins, those that do not, and the sockets of its label', () => {
  const secure = explainSocket(facts, packetTo(443))!
  assert.deepEqual(
    [secure.binding!.label, secure.others.map(({ label }) => label), secure.sockets],
    ['secure', ['web'], 0],
  )
  const web = explainSocket(facts, packetTo(80))!
  assert.deepEqual([web.binding!.label, web.others, web.sockets], ['web', [], 1])
  assert.equal(explainSocket({ bindings: facts.bindings }, packetTo(80))!.sockets, undefined)
})

test('explainSocket() knows what has no binding, and says nothing of what has no ports', () => {
  assert.deepEqual(explainSocket(facts, packetTo(443, udp)), { others: [] })
  const ping = dissect(buildPacket(ethernet(), ipv4({ src: '203.0.113.1', dst: '192.0.2.7' }), icmp({ type: 8 })))
  assert.equal(explainSocket(facts, ping), undefined)
})
