import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat } from './bytes.ts'
import { readCapture } from './pcap.ts'
import {
  pcapngInterface,
  pcapngPacket,
  pcapngSection,
  pcapngStatistics,
  wholePcapngBlocks,
  writePcapng,
} from './pcapng-write.ts'

const bytes = Uint8Array.of(1, 2, 3)

/** Codes and values of the options that begin at an offset of a block. */
function optionsOf(block: Uint8Array, at: number): [number, number[]][] {
  const view = new DataView(block.buffer, block.byteOffset)
  const found: [number, number[]][] = []
  for (let code = view.getUint16(at, true); code !== 0; code = view.getUint16(at, true)) {
    const length = view.getUint16(at + 2, true)
    found.push([code, [...block.subarray(at + 4, at + 4 + length)]])
    at += 4 + ((length + 3) & ~3)
  }
  assert.equal(at + 4, block.length - 4, 'the end of the options is the end of the block')
  return found
}

test('pcapngPacket() writes direction, losses, verdict and comment as options', () => {
  const block = pcapngPacket({ timestamp: 0n, bytes, inbound: true, dropped: 258, xdpAction: 1, comment: 'why' })
  assert.deepEqual(optionsOf(block, 8 + 20 + 4), [
    [1, [...new TextEncoder().encode('why')]],
    [2, [1, 0, 0, 0]],
    [4, [2, 1, 0, 0, 0, 0, 0, 0]],
    [7, [2, 1, 0, 0, 0, 0, 0, 0, 0]],
  ])
  assert.equal(pcapngPacket({ timestamp: 0n, bytes }).length, 12 + 20 + 4)
})

test('pcapngStatistics() writes what was captured and what was lost', () => {
  const counts = { accepted: 7, dropped: 2, delivered: 5 }
  const block = pcapngStatistics({ interface: 3, start: 1n << 32n, end: 0x1_0000_0005n, ...counts })
  assert.deepEqual([...block.subarray(8, 20)], [3, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0])
  assert.deepEqual(
    optionsOf(block, 20).map(([code, [first]]) => [code, first]),
    [
      [2, 1],
      [3, 1],
      [5, 2],
      [6, 7],
      [8, 5],
    ],
  )
})

test('readCapture() skips statistics, and reads packets of interfaces that are written late', () => {
  const file = concat(
    pcapngSection({ comment: 'a test' }),
    pcapngInterface({ name: 'eth0', snaplen: 100 }),
    pcapngPacket({ timestamp: 5n, bytes, comment: 'first' }),
    pcapngInterface({ name: 'eth1' }),
    pcapngPacket({ timestamp: 1_795_480_950_312_249_050n, bytes, length: 9, interface: 1 }),
    pcapngStatistics({ interface: 0, start: 0n, end: 1n, accepted: 1, dropped: 0, delivered: 1 }),
  )
  assert.deepEqual(readCapture(file), [
    { timestamp: 5n, bytes, length: 3, linkType: 1, comment: 'first' },
    { timestamp: 1_795_480_950_312_249_050n, bytes, length: 9, linkType: 1 },
  ])
})

test('wholePcapngBlocks() tells how much of a file that was cut can be read', () => {
  const file = writePcapng([
    { timestamp: 0n, bytes },
    { timestamp: 1n, bytes: new Uint8Array(64) },
  ])
  const packets = (length: number) => readCapture(file.subarray(0, wholePcapngBlocks(file, length))).length
  assert.equal(wholePcapngBlocks(file, file.length), file.length)
  assert.equal(packets(file.length), 2)
  assert.equal(packets(file.length - 1), 1)
  assert.equal(wholePcapngBlocks(file, 10), 0)
  for (let length = 0; length < file.length; length++) assert.ok(wholePcapngBlocks(file, length) <= length)
})
