import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCapture } from '../../net/pcap.ts'
import type { ByteSink } from './byte-sink.ts'
import type { WrittenPacket } from './packet-writer.ts'
import { PcapngWriter } from './pcapng-writer.ts'
import { WriteError } from './write-error.ts'

const packet = (more: Partial<WrittenPacket> = {}): WrittenPacket => ({
  time: 1n,
  interface: 'eth0',
  decidedBy: 'no-chargen',
  verdict: 'drop',
  length: 60,
  lost: 0,
  bytes: new Uint8Array(60),
  ...more,
})

/** A file on a disk of so many bytes. */
class SmallDisk implements ByteSink {
  bytes = Buffer.alloc(0)
  readonly #room: number

  constructor(room: number) {
    this.#room = room
  }

  async write(bytes: Uint8Array): Promise<void> {
    const written = Math.min(bytes.length, this.#room - this.bytes.length)
    this.bytes = Buffer.concat([this.bytes, bytes.subarray(0, written)])
    if (written < bytes.length) throw new WriteError('a.pcapng', { code: 'ENOSPC' }, written)
  }

  async takeBack(bytes: number): Promise<void> {
    this.bytes = this.bytes.subarray(0, this.bytes.length - bytes)
  }

  async close(): Promise<void> {}
}

async function written(disk: SmallDisk): Promise<Error | undefined> {
  const writer = new PcapngWriter(disk, 'test', 0)
  try {
    await writer.begin()
    await writer.write([packet(), packet({ decidedBy: 'default', verdict: 'pass', interface: 'eth1' })])
    await writer.write([packet({ decidedBy: 'malformed:udp_length', lost: 3 }), packet()])
    await writer.end({ captured: 4, lost: 5, start: 0n, end: 9n })
    return undefined
  } catch (error) {
    return error as Error
  }
}

test('PcapngWriter names rule or reason in the comment of each packet', async () => {
  const disk = new SmallDisk(10_000)
  assert.equal(await written(disk), undefined)
  assert.deepEqual(
    readCapture(disk.bytes).map(({ comment }) => comment),
    [
      'verdict=drop rule=no-chargen',
      'verdict=pass reason=default',
      'verdict=drop reason=malformed:udp_length',
      'verdict=drop rule=no-chargen',
    ],
  )
})

test('PcapngWriter leaves a file that can be read, and says what is in it, wherever the disk is full', async () => {
  const whole = new SmallDisk(10_000)
  await written(whole)
  const counts = new Set<number>()
  for (let room = 0; room < whole.bytes.length; room++) {
    const disk = new SmallDisk(room)
    const error = await written(disk)
    const found = disk.bytes.length === 0 ? 0 : readCapture(disk.bytes).length
    const said = /^Cannot write capture "a\.pcapng": ENOSPC; it can be read, with (\d) packets? \(free some room/.exec(
      error!.message,
    )
    assert.equal(Number(said?.[1]), found, `room for ${room} bytes: ${error?.message}`)
    counts.add(found)
  }
  assert.deepEqual([...counts], [0, 1, 2, 3, 4])
})
