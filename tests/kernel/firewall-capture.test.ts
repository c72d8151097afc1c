import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { type CapturedPacket, type CaptureRequest, Firewall } from '../../src/firewall/index.ts'
import { Fixture, pingPacket, udpPacket } from './firewall-fixture.ts'

const fixture = new Fixture('capture')
afterEach(() => fixture.reset())
after(() => fixture.remove())

const firewall = () => new Firewall(fixture.paths)

/** Begins a capture; `end` gives what it has captured by then. */
async function capture(request: CaptureRequest = {}) {
  const { id } = await firewall().capture(request)
  const reader = firewall().openCapture(id)
  const stop = new AbortController()
  return {
    id,
    reader,
    async end(): Promise<CapturedPacket[]> {
      stop.abort()
      const packets: CapturedPacket[] = []
      for await (const batch of reader.batches(stop.signal)) packets.push(...batch)
      reader.close()
      return packets
    },
  }
}

const describe = ({ verdict, decidedBy, length, bytes }: CapturedPacket) =>
  `${verdict} ${decidedBy} ${bytes.length}/${length}`

test('Firewall.capture copies whole packets with verdict and rule, and ends without a trace', async () => {
  await firewall().apply(await fixture.config([{ id: 'dns', drop: 'udp.dstport == 53' }]))
  const before = firewall().rules()
  const running = await capture({ expr: 'udp' })
  for (const packet of [udpPacket(53), pingPacket(), udpPacket(54)]) fixture.send(packet)
  const { length } = udpPacket(53)
  assert.deepEqual((await running.end()).map(describe), [
    `drop dns ${length}/${length}`,
    `pass default ${length}/${length}`,
  ])
  assert.equal((await firewall().undo(running.id)).count.packets, 2)
  assert.deepEqual(
    firewall()
      .rules()
      .map(({ id }) => id),
    before.map(({ id }) => id),
  )
})
