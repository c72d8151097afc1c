import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRule } from '../rule-text.ts'
import { type AttachPoint, compile } from './index.ts'

const compiled = (attach: AttachPoint, text: string) =>
  compile(
    { rules: [{ ...parseRule(text), id: 'mine' }], malformed: 'drop' },
    { attach, sets: new Map(), counterSlot: () => 32, clock: { hz: 250, jiffiesAtZero: 0n }, secret: 1n },
  )

test('compile makes a socket filter with a buffer for the packet where there is no access to the packet', () => {
  for (const attach of ['socket', 'xt_bpf'] as const) {
    const { type, maps } = compiled(attach, 'drop if udp.dstport == 53')
    assert.equal(type, 'socket_filter')
    assert.deepEqual(maps.map(({ purpose }) => purpose).sort(), ['counters', 'scratch', 'tables'])
  }
  const { type, maps } = compiled('xdp', 'drop if udp.dstport == 53')
  assert.equal(type, 'xdp')
  assert.ok(maps.every(({ purpose }) => purpose !== 'scratch'))
})

test('compile refuses what is gone with the frame, wherever it is asked for', () => {
  for (const [text, field] of [
    ['drop if eth.src == 02:00:00:00:00:01', 'eth.src'],
    ['drop if udp and not (vlan.id == 5 or tcp)', 'vlan.id'],
    ['drop if vlan', 'vlan'],
    ['drop if pcap("ether host 2:0:0:0:0:1")', 'eth.addr'],
  ] as const) {
    for (const attach of ['socket', 'xt_bpf'] as const)
      assert.throws(() => compiled(attach, text), { code: 'not_there', message: new RegExp(`rule "mine".*"${field}"`) })
    compiled('xdp', text)
  }
  compiled('socket', 'drop if eth.type == 0x0800 and not arp')
})
