import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { buildPacket, ethernet, ipv4, tcp } from '../../src/net/build.ts'
import { Plane, Verdict } from '../support/balancer-plane.ts'

const VIP = '192.0.2.1'
const backends = [{ address: '10.9.0.1' }, { address: '10.9.0.2' }]

let plane: Plane

before(async () => {
  plane = await Plane.create({ services: [{ address: VIP, port: 80, protocol: 'tcp' }], backends })
  plane.fill({ current: 1, previous: 0 })
})
after(() => plane?.close())

const flow = { src: '198.51.100.7', dst: VIP, srcport: 40_000, dstport: 80, protocol: 6 }

test('balancer puts a TCP packet for a service into an IP packet to the owner of its bucket', () => {
  plane.setRow(flow, { current: 2, previous: 0 })
  const inner = buildPacket(ipv4({ src: flow.src, dst: VIP }), tcp({ srcport: 40_000, dstport: 80 }), 'data')
  const { verdict, data, outcome } = plane.run(buildPacket(ethernet({ type: 0x0800 }), inner))
  assert.deepEqual([verdict, outcome], [Verdict.tx, 'Forwarded'])
  assert.deepEqual(data.subarray(34), inner)
  assert.deepEqual([...data.subarray(30, 34)], [10, 9, 0, 2])
})
