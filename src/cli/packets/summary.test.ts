import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dissect } from '../../net/dissect.ts'
import { parseHexPacket } from './hex.ts'
import { summarize } from './summary.ts'

const summary = (hex: string) => summarize(dissect(parseHexPacket(hex)))
const ethernet = '020000000002020000000001'

test('summarize() names protocol, ends and flags', () => {
  const tcp = `${ethernet}0800 45000028000100004006 0000c6336407c0000209 0fa00050000000010000000050 02ffff00000000`
  assert.equal(summary(tcp), 'IPv4 TCP 198.51.100.7:4000 → 192.0.2.9:80 SYN, 54 bytes')
})

test('summarize() puts IPv6 addresses with ports in brackets', () => {
  const addresses = '20010db8000000000000000000000001 20010db8000000000000000000000002'
  assert.equal(
    summary(`${ethernet}86dd 6000000000081140 ${addresses} 0035 1092 0008 0000`),
    'IPv6 UDP [2001:db8::1]:53 → [2001:db8::2]:4242, 62 bytes',
  )
})

test('summarize() tells fragments, VLAN tags, other protocols and what is malformed', () => {
  assert.equal(
    summary(`${ethernet}8100 0064 0800 4500001c0001 2003 4011 0000 c6336407c0000209 0102030405060708`),
    'VLAN 100 IPv4 UDP 198.51.100.7 → 192.0.2.9, fragment at 24, 46 bytes',
  )
  assert.equal(summary(`${ethernet}0806 0001`), 'ARP, 16 bytes')
  assert.equal(summary(`${ethernet}88cc 0001`), 'EtherType 0x88cc, 16 bytes')
  assert.equal(summary(`${ethernet}0800 45`), 'malformed (ip_truncated), 15 bytes')
  assert.equal(
    summary(`${ethernet}0800 450000140001 0000 4084 0000 c6336407c0000209`),
    'IPv4 protocol 132 198.51.100.7 → 192.0.2.9, 34 bytes',
  )
})
