import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, afterEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { now } from '../../src/entry/pending.ts'
import { type CapturedPacket, type CaptureRequest, Firewall } from '../../src/firewall/index.ts'
import { withLease } from '../../src/firewall/lease.ts'
import { requireLive } from '../../src/firewall/live.ts'
import { buildPacket, ethernet, ipv4, udp } from '../../src/net/build.ts'
import { cutPacket, Fixture, pingPacket, udpPacket } from './firewall-fixture.ts'

const fixture = new Fixture('capture')
afterEach(() => fixture.reset())
after(() => fixture.remove())

const firewall = () => new Firewall(fixture.paths)
const rules = [{ id: 'dns', drop: 'udp.dstport == 53' }]

/** Begins a capture. */
async function capture(request: CaptureRequest = {}) {
  const { id } = await firewall().capture(request)
  const reader = firewall().openCapture(id)
  return {
    id,
    reader,
    /** What it has captured by now, after which it is over. */
    async end(): Promise<CapturedPacket[]> {
      const packets: CapturedPacket[] = []
      for await (const batch of reader.batches(AbortSignal.abort())) packets.push(...batch)
      reader.close()
      return packets
    },
  }
}

/** A frame of so many bytes, of which no two in a row are the same. */
const longPacket = (length: number) =>
  buildPacket(
    ethernet(),
    ipv4({ src: '192.0.2.1', dst: '198.51.100.1' }),
    udp({ srcport: 1, dstport: 53 }),
    new Uint8Array(length - 42).map((_, at) => at),
  )

const whole = udpPacket(53).length
const describe = ({ verdict, decidedBy, length, bytes }: CapturedPacket) =>
  `${verdict} ${decidedBy} ${bytes.length}/${length}`
const ports = (packets: readonly CapturedPacket[]) => packets.map(({ bytes }) => (bytes[36]! << 8) | bytes[37]!)

test('Firewall.capture copies packets with verdict and rule, decides nothing, and goes without a trace', async () => {
  await firewall().apply(await fixture.config(rules))
  const before = firewall().rules()
  const running = await capture({ expr: 'udp' })
  const began = now()
  assert.equal(fixture.send(udpPacket(53)), 'drop')
  assert.equal(fixture.send(pingPacket()), 'pass')
  assert.equal(fixture.send(udpPacket(54)), 'pass')
  const packets = await running.end()
  assert.deepEqual(packets.map(describe), [`drop dns ${whole}/${whole}`, `pass default ${whole}/${whole}`])
  assert.deepEqual(packets[0]!.bytes, udpPacket(53))
  for (const { timestamp } of packets) assert.ok(timestamp > began && timestamp < now())
  assert.equal((await firewall().undo(running.id)).count.packets, 2)
  assert.deepEqual(
    firewall()
      .rules()
      .map(({ id }) => id),
    before.map(({ id }) => id),
  )
  assert.ok(!fixture.pins().some((name) => name.includes('capture')))
})

test('Firewall.capture without an expression has malformed packets too', async () => {
  await firewall().apply(await fixture.config(rules))
  const running = await capture()
  fixture.send(cutPacket())
  fixture.send(pingPacket())
  const cut = cutPacket().length
  const ping = pingPacket().length
  assert.deepEqual((await running.end()).map(describe), [
    `drop malformed:ip_truncated ${cut}/${cut}`,
    `pass default ${ping}/${ping}`,
  ])
})

test('Firewall.capture keeps to a verdict, a length and a share', async () => {
  await firewall().apply(await fixture.config(rules))
  const dropped = await capture({ verdict: 'drop', snaplen: 20 })
  const passed = await capture({ expr: 'udp', verdict: 'pass' })
  const third = await capture({ expr: 'udp', every: 3 })
  for (let port = 51; port < 60; port++) fixture.send(udpPacket(port))
  assert.deepEqual((await dropped.end()).map(describe), [`drop dns 20/${whole}`])
  assert.deepEqual(ports(await passed.end()), [51, 52, 54, 55, 56, 57, 58, 59])
  // One of three on each CPU, and this process may have run on several.
  const share = (await third.end()).length
  assert.ok(share >= 1 && share <= 3, String(share))
})

test('Firewall.capture copies packets of every length whole, longer than any interface here would bring', async () => {
  await firewall().apply(await fixture.config(rules))
  const running = await capture({ expr: 'udp' })
  const lengths = [60, 255, 256, 257, 1_514, 1_535, 1_536, 1_537, 3_000]
  const packets = lengths.map(longPacket)
  for (const packet of packets) fixture.send(packet)
  assert.deepEqual(
    (await running.end()).map(({ bytes }) => bytes),
    packets,
  )
})

test('Firewall.capture loses nothing up to the size of its ring, and counts what it loses then', async () => {
  await firewall().apply(await fixture.config(rules))
  const running = await capture({ expr: 'udp', snaplen: 1_000, ringBytes: 65_536 })
  // A record has 8 bytes of the kernel's and 32 of ours, and the ring never fills its last byte.
  const room = Math.floor((65_536 - 1) / (8 + 32 + 1_000))
  fixture.send(longPacket(1_200), room)
  assert.equal(running.reader.lostInAll, 0)
  fixture.send(longPacket(1_200), 10)
  assert.equal(running.reader.lostInAll, 10)
  assert.equal(firewall().rules()[0]!.capture?.lost, 10)
  const signal = new AbortController()
  const batches = running.reader.batches(signal.signal)
  assert.equal((await batches.next()).value!.length, room)
  fixture.send(udpPacket(3))
  const [last] = (await batches.next()).value!
  assert.equal(last?.lost, 10)
  assert.equal(running.reader.lost, 10)
  await running.end()
  const { count } = await firewall().undo(running.id)
  assert.equal(count.packets, room + 11)
})

test('Firewall.capture leaves the samples of others alone, and both may want the same packet', async () => {
  await firewall().apply(await fixture.config([...rules, { id: 'seen', sample: 'udp', every: 1 }]))
  const controller = new AbortController()
  const samples = firewall().samples({ signal: controller.signal })
  const first = samples.next()
  const running = await capture({ expr: 'udp', ringBytes: 65_536 })
  const other = await capture({ expr: 'udp.dstport == 55' })
  for (const port of [54, 55]) fixture.send(udpPacket(port))
  assert.deepEqual(ports(await running.end()), [54, 55])
  assert.deepEqual(ports(await other.end()), [55])
  const seen = [(await first).value!, (await samples.next()).value!]
  assert.deepEqual(
    seen.map(({ sampledBy, bytes }) => `${sampledBy} ${bytes.length}`),
    [`seen ${whole}`, `seen ${whole}`],
  )
  controller.abort()
  await samples.next()
})

test('Firewall.capture goes on over applies, roll backs and other captures', async () => {
  await firewall().apply(await fixture.config(rules))
  const running = await capture({ expr: 'udp' })
  fixture.send(udpPacket(53))
  await firewall().apply(await fixture.config([{ id: 'web', drop: 'udp.dstport == 80' }]))
  fixture.send(udpPacket(80))
  const other = await capture({ expr: 'tcp' })
  fixture.send(udpPacket(53))
  await firewall().rollback()
  fixture.send(udpPacket(53))
  await other.end()
  await firewall().undo(other.id)
  fixture.send(udpPacket(80))
  assert.deepEqual((await running.end()).map(describe), [
    `drop dns ${whole}/${whole}`,
    `drop web ${whole}/${whole}`,
    `pass default ${whole}/${whole}`,
    `drop dns ${whole}/${whole}`,
    `pass default ${whole}/${whole}`,
  ])
})

test('Firewall.probe runs the live program while packets are captured, and captures none of its own', async () => {
  await firewall().apply(await fixture.config(rules))
  const running = await capture()
  const { program, probes } = await firewall().probe([udpPacket(53)])
  assert.ok(program.live)
  assert.equal(probes[0]!.decidedBy, 'dns')
  assert.deepEqual(await running.end(), [])
})

test('CaptureReader ends when somebody else removes the capture, and when everything is', async () => {
  await firewall().apply(await fixture.config(rules))
  for (const remove of [(id: string) => firewall().undo(id), () => firewall().down()]) {
    const { id, reader } = await capture({ expr: 'udp' })
    const reading = (async () => {
      for await (const _ of reader.batches(new AbortController().signal));
    })()
    await remove(id)
    await reading
    assert.ok(reader.wasRemoved)
    reader.close()
    assert.throws(() => firewall().openCapture(id))
  }
})

test('Firewall.capture stops when its reader was killed, and the next change clears it away', async () => {
  await firewall().apply(await fixture.config(rules))
  const { id } = await firewall().capture({ expr: 'udp' })
  const child = fileURLToPath(new URL('firewall-capture-child.ts', import.meta.url))
  const args = ['--import', 'tsx', child, JSON.stringify(fixture.paths), id]
  const reader = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => reader.stdout.once('data', resolve))
  const { folder } = requireLive(fixture.paths)
  const until = () => withLease(folder, id, (lease) => lease.until)
  const first = until()
  for (let tries = 0; until() === first && tries < 500; tries++) await sleep(20)
  assert.ok(until() > first, 'the reader puts the end off')
  const gone = new Promise((resolve) => reader.once('exit', resolve))
  reader.kill('SIGKILL')
  await gone
  assert.equal(firewall().rules()[0]!.id, id)
  assert.ok(until() - now() <= 10_000_000_000n)
  // Not to wait for ten seconds; what the data path looks at is this word.
  withLease(folder, id, (lease) => lease.end())
  const live = firewall().rules()[0]!
  assert.equal(live.expiresInMs, 0)
  assert.equal(await firewall().collectExpired(), 1)
  assert.deepEqual(
    firewall()
      .rules()
      .map((rule) => rule.id),
    ['dns'],
  )
})

test('Firewall.capture copies nothing once its time is over', async () => {
  await firewall().apply(await fixture.config(rules))
  const running = await capture({ expr: 'udp' })
  fixture.send(udpPacket(1))
  running.reader.stop()
  fixture.send(udpPacket(2))
  assert.deepEqual(ports(await running.end()), [1])
})

test('Firewall.capture refuses what cannot be, and changes nothing', async () => {
  await firewall().apply(await fixture.config(rules))
  const { generation } = firewall().status()
  const wrong: [CaptureRequest, RegExp][] = [
    [{ expr: 'udp.dstprt == 1' }, /did you mean "udp.dstport"/],
    [{ snaplen: 0 }, /a snapshot length of 0: wanted a whole number from 1/],
    [{ ringBytes: 100_000 }, /a buffer of 100000 bytes: wanted a power of two/],
    [{ every: 0.5 }, /one packet of 0.5/],
  ]
  for (const [request, message] of wrong) {
    await assert.rejects(firewall().capture(request), { code: 'SEAWALL_INPUT', message })
  }
  assert.equal(firewall().status().generation, generation)
  await firewall().down()
  await assert.rejects(firewall().capture({}), { code: 'SEAWALL_NOT_UP' })
})

test('Firewall.counters tells how many samples nobody had room for', async () => {
  await firewall().apply(await fixture.config([{ id: 'seen', sample: 'udp', every: 1 }]))
  const room = Math.floor(((1 << 20) - 1) / (8 + 32 + 256))
  const big = firewall()
  fixture.send(udpPacket(1), room + 5)
  const { samplesLost, received, verdicts } = big.counters()
  assert.deepEqual(samplesLost, { packets: 5, bytes: 5 * whole })
  assert.equal(received.packets, room + 5)
  assert.equal(verdicts.pass.packets, room + 5)
})
