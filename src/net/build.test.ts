import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildPacket, concat, dns, ethernet, extension, icmp, ipv4, ipv6, raw, tcp, udp, vlan } from './build.ts'
import { onesSum, pseudoHeaderSum } from './checksum.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('buildPacket() builds the packet of the reference, byte for byte', () => {
  const frame = buildPacket(
    ethernet({ src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02' }),
    ipv4({ src: '10.99.0.1', dst: '10.99.0.2', id: 1 }),
    udp({ srcport: 12345, dstport: 4242 }),
    'A'.repeat(22),
  )
  const wanted = '02000000000202000000000108004500003200010000401165f20a6300010a63000230391092001edc50'
  assert.equal(hex(frame), wanted + '41'.repeat(22))
})

test('buildPacket() announces each layer in the one below', () => {
  const frame = buildPacket(ethernet(), vlan({ tag: 0x88a8 }), vlan(), ipv6(), extension(0), tcp())
  assert.equal(hex(frame.subarray(12, 14)), '88a8')
  assert.equal(hex(frame.subarray(16, 18)), '8100')
  assert.equal(hex(frame.subarray(20, 22)), '86dd')
  assert.equal(frame[22 + 6], 0)
  assert.equal(frame[22 + 40], 6)
})

test('buildPacket() takes the pseudo header from the nearest IP layer', () => {
  const inner = buildPacket(ipv6(), udp(), 'x')
  assert.equal(hex(buildPacket(ipv4(), ipv6(), udp(), 'x').subarray(20)), hex(inner))
})

test('udp() writes a checksum that sums to zero, and never sends 0 for one', () => {
  for (const payload of ['', 'a', 'odd', 'even']) {
    const packet = buildPacket(ipv4(), udp(), payload)
    const segment = packet.subarray(20)
    const pseudo = pseudoHeaderSum(packet.subarray(12, 16), packet.subarray(16, 20), 17, segment.length)
    assert.equal(onesSum(segment, pseudo), 0xffff, payload)
  }
  const zero = buildPacket(ipv4(), udp({ srcport: 0, dstport: 0 }), raw(Uint8Array.of(0, 0)))
  const sum = (zero[26]! << 8) | zero[27]!
  const tuned = buildPacket(ipv4(), udp({ srcport: 0, dstport: 0 }), raw(Uint8Array.of(sum >> 8, sum & 255)))
  assert.equal(hex(tuned.subarray(26, 28)), 'ffff')
})

test('layers write what their options say, right or wrong', () => {
  const packet = buildPacket(ipv4({ length: 1, headerLength: 8, checksum: 7, protocol: 99 }), icmp({ checksum: 3 }))
  assert.equal(packet[0], 0x42)
  assert.equal(hex(packet.subarray(2, 4)), '0001')
  assert.equal(packet[9], 99)
  assert.equal(hex(packet.subarray(10, 12)), '0007')
  assert.equal(hex(packet.subarray(22, 24)), '0003')
})

test('ipv4() refuses an IPv6 address', () => {
  assert.throws(() => buildPacket(ipv4({ src: '::1' })), {
    code: 'NET_PACKET',
    message: /address is "::1", wanted IPv4$/,
  })
})

test('dns() writes a query', () => {
  const message = buildPacket(dns({ id: 0x1234, questions: [{ name: 'a.b', type: 28 }] }))
  assert.equal(hex(message), '1234010000010000000000000161016200001c0001')
})

test('concat() puts parts behind each other', () => {
  assert.deepEqual(concat(Uint8Array.of(1), Uint8Array.of(), Uint8Array.of(2, 3)), Uint8Array.of(1, 2, 3))
})
