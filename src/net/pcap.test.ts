import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildPacket, concat, ethernet, ipv4, udp } from './build.ts'
import { readCapture, writePcap } from './pcap.ts'
import { pcapngHeader, pcapngPacket, writePcapng } from './pcapng-write.ts'

const frame = buildPacket(ethernet(), ipv4(), udp(), 'odd')
const packets = [
  { timestamp: 1_700_000_000_123_456_789n, bytes: frame, length: frame.length, linkType: 1 },
  { timestamp: 1_700_000_001_000_000_000n, bytes: frame.slice(0, 17), length: 1500, linkType: 1 },
]

/** A classic pcap file of one packet. */
function classic(little: boolean, nano: boolean): Uint8Array {
  const file = new Uint8Array(24 + 16 + 4)
  const view = new DataView(file.buffer)
  view.setUint32(0, nano ? 0xa1b23c4d : 0xa1b2c3d4, little)
  view.setUint16(4, 2, little)
  view.setUint16(6, 4, little)
  view.setUint32(20, 1, little)
  view.setUint32(24, 5, little)
  view.setUint32(28, 7, little)
  view.setUint32(32, 4, little)
  view.setUint32(36, 60, little)
  file.set([1, 2, 3, 4], 40)
  return file
}

test('readCapture() reads pcap of either byte order, in microseconds and nanoseconds', () => {
  for (const little of [true, false]) {
    for (const [nano, fraction] of [
      [true, 7n],
      [false, 7000n],
    ] as const) {
      const [packet] = readCapture(classic(little, nano))
      assert.equal(packet?.timestamp, 5_000_000_000n + fraction)
      assert.deepEqual(packet?.bytes, Uint8Array.of(1, 2, 3, 4))
      assert.deepEqual([packet?.length, packet?.linkType], [60, 1])
    }
  }
})

test('readCapture() reads what writePcap() and writePcapng() write', () => {
  assert.deepEqual(readCapture(writePcap(packets)), packets)
  assert.deepEqual(readCapture(writePcapng(packets)), packets)
  const [noted] = readCapture(
    writePcapng([{ timestamp: 0n, bytes: frame, comment: 'drop by "dns" é' }], [{ name: 'eth0' }]),
  )
  assert.equal(noted?.comment, 'drop by "dns" é')
})

test('readCapture() reads pcapng sections of either byte order, and skips blocks that it does not know', () => {
  const unknown = Uint8Array.of(0xff, 0, 0, 0, 12, 0, 0, 0, 12, 0, 0, 0)
  const file = concat(bigEndianPcapng(), pcapngHeader(), unknown, pcapngPacket({ timestamp: 9n, bytes: frame }))
  const [first, second, third] = readCapture(file)
  assert.deepEqual(first, { timestamp: 2_929_687n, bytes: Uint8Array.of(9, 8, 7), length: 3, linkType: 1 })
  assert.deepEqual(second, { timestamp: 0n, bytes: Uint8Array.of(6, 5), length: 99, linkType: 1 })
  assert.deepEqual([third?.timestamp, third?.bytes.length], [9n, frame.length])
})

/** A big-endian section with timestamps in 1/1024 s: 3 bytes enhanced, 2 bytes simple (the interface's limit). */
function bigEndianPcapng(): Uint8Array {
  const words = [
    [0x0a0d0d0a, 28, 0x1a2b3c4d, 0x00010000, 0xffffffff, 0xffffffff, 28],
    [1, 32, 0x00010000, 2, 0x00090001, 0x8a000000, 0, 32],
    [6, 36, 0, 0, 3, 3, 3, 0x09080700, 36],
    [3, 20, 99, 0x06050000, 20],
  ].flat()
  const file = new Uint8Array(words.length * 4)
  for (const [index, word] of words.entries()) new DataView(file.buffer).setUint32(index * 4, word)
  return file
}

test('readCapture() says where a file is cut', () => {
  for (const whole of [writePcap(packets), writePcapng(packets)]) {
    const lengths = whole[0] === 0x0a ? pcapngBlockEnds(whole) : [24, 24 + 16 + frame.length, whole.length]
    for (let length = 0; length < whole.length; length++) {
      const read = () => readCapture(whole.subarray(0, length))
      if (lengths.includes(length)) read()
      else
        assert.throws(
          read,
          { code: 'NET_CAPTURE', message: /^Cannot read capture: .*, at offset \d+$/ },
          `${length} bytes`,
        )
    }
  }
})

function pcapngBlockEnds(file: Uint8Array): number[] {
  const ends: number[] = []
  let at = 0
  while (at < file.length) ends.push((at += new DataView(file.buffer).getUint32(at + 4, true)))
  return ends
}

test('readCapture() refuses foreign files and impossible lengths', () => {
  assert.throws(() => readCapture(new TextEncoder().encode('#!/bin/sh')), {
    message: 'Cannot read capture: file begins with 0x23212f62, wanted pcap or pcapng, at offset 0',
  })
  const huge = classic(true, false)
  new DataView(huge.buffer).setUint32(32, 0x7fffffff, true)
  assert.throws(() => readCapture(huge), {
    message: /packet has 2147483647 bytes, wanted at most 262144, at offset 40$/,
  })
  assert.throws(() => readCapture(pcapngHeader([]).fill(0, 8, 12)), {
    message: /byte order mark is 0x0, .* at offset 8$/,
  })
  const orphan = concat(pcapngHeader([]), pcapngPacket({ timestamp: 0n, bytes: frame }))
  assert.throws(() => readCapture(orphan), { message: /packet is of interface 0, the section has 0, at offset \d+$/ })
})
