import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { Flood } from '../../lab/flood/flood.ts'
import { FloodProgram } from '../../lab/flood/flood-program.ts'
import { allPatterns, SYN_PATTERNS, type Target } from '../../lab/flood/patterns.ts'
import { Lab } from '../../lab/lab.ts'
import { ownPrefix } from '../../lab/owner.ts'
import { pointOfPresence, SERVICE4, SERVICE6 } from '../../lab/point-of-presence.ts'
import { Router } from '../../lab/router.ts'
import { command } from '../../src/linux/command.ts'
import { driverCounters, findInterface, setOffloads } from '../../src/linux/interface.ts'
import { ended, start } from '../../src/linux/process.ts'
import { udpSocketIn } from '../support/sockets.ts'

let lab: Lab
let router: Router
let target: Target
let directory: string

before(async () => {
  lab = Lab.build(pointOfPresence())
  directory = mkdtempSync(join(tmpdir(), ownPrefix()))
  router = await Router.attach(lab.netns('router'), 'botnet')
  setOffloads(lab.netns('edge1'), 'eth0', { gro: 'on' })
  target = {
    srcMac: findInterface(lab.netns('botnet'), 'eth0').mac,
    dstMac: findInterface(lab.netns('router'), 'botnet').mac,
    ipv4: SERVICE4,
    ipv6: SERVICE6,
    zone: 'seawall.example',
  }
})

after(() => {
  router?.close()
  lab?.close()
  rmSync(directory, { recursive: true, force: true })
})

const floodOf = (patterns?: string[]) =>
  Flood.start({
    netns: lab.netns('botnet'),
    cpu: 0,
    interface: 'eth0',
    target,
    seed: 7,
    ...(patterns === undefined ? {} : { patterns }),
  })

const CLIENT = '203.0.113.10'

const total = async (flood: Flood) => (await flood.sent()).reduce((sum, { packets }) => sum + packets, 0)

async function untilSent(flood: Flood, packets: number): Promise<void> {
  for (let waited = 0; waited < 200 && (await total(flood)) < packets; waited++) await setTimeout(50)
  await setTimeout(100)
}

/** Frames that the router's program gave to the edge's cable. */
const delivered = () => driverCounters(lab.netns('router'), 'edge1').get('tx_queue_0_xdp_xmit') ?? 0

/** Packets of a capture that a filter of Wireshark's language matches. */
function matching(capture: string, filter: string): number {
  const checks = ['ip', 'udp', 'tcp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`])
  const lines = command('tshark', ['-r', capture, ...checks, '-Y', filter, '-T', 'fields', '-e', 'frame.number'])
  return lines.split('\n').filter(Boolean).length
}

test('Flood sends every pattern, in its part, with right checksums, through the router to the edge', async () => {
  const capture = join(directory, 'flood.pcap')
  const dump = start('tcpdump', ['-i', 'eth0', '-B', '16384', '-Q', 'in', '-U', '--immediate-mode', '-w', capture], {
    netns: lab.netns('edge1'),
  })
  const written = ended(dump)
  await new Promise((resolve) => dump.stderr?.once('data', resolve))
  const flood = await floodOf()
  const packets = 2560
  try {
    const before = delivered()
    flood.run({ packetsPerSecond: 20_000, packets, seconds: 20 })
    await untilSent(flood, packets)
    assert.equal(await total(flood), packets)
    assert.equal(delivered() - before, packets)
    for (const { name, packets: sent } of await flood.sent()) assert.ok(sent >= packets / 100, `${name}: ${sent}`)
  } finally {
    await flood.close()
    dump.kill('SIGINT')
    await written
  }
  // The router's own multicast reports come by the same cable.
  assert.equal(matching(capture, 'not icmpv6'), packets)
  for (const protocol of ['ip', 'udp', 'tcp']) {
    assert.equal(matching(capture, `${protocol}.checksum.status == "Bad"`), 0, protocol)
  }
  assert.equal(matching(capture, 'udp.dstport == 53 and _ws.malformed'), 0)
  assert.equal(matching(capture, 'ip.ttl == 63 or ipv6.hlim == 63'), packets)
  const names = matching(capture, 'dns.qry.name matches "^a[a-p]{8}[.]seawall[.]example$"')
  assert.ok(names > packets / 4, `${names} queries for one random label`)
})

test('Flood stops at its count, and at its time', async () => {
  const flood = await floodOf(['junk-udp'])
  try {
    flood.run({ packetsPerSecond: 50_000, packets: 1000, seconds: 20 })
    await untilSent(flood, 1000)
    assert.equal(await total(flood), 1000)
    flood.run({ packetsPerSecond: 1000, packets: 1e6, seconds: 0.5 })
    await setTimeout(1000)
    const sent = (await total(flood)) - 1000
    assert.ok(sent > 0 && sent <= 500 + 64, `${sent} in half a second at 1000/s`)
    await setTimeout(200)
    assert.equal((await total(flood)) - 1000, sent)
  } finally {
    await flood.close()
  }
})

test('Flood mixes the patterns that a run asks for', async () => {
  const flood = await floodOf()
  try {
    flood.run({ packetsPerSecond: 20_000, packets: 500, seconds: 20, patterns: SYN_PATTERNS })
    await untilSent(flood, 500)
    const sent = (await flood.sent()).filter(({ packets }) => packets > 0)
    assert.deepEqual(
      sent.map(({ name, packets }) => [name, packets]),
      SYN_PATTERNS.map((name) => [name, 250]),
    )
    flood.run({ packetsPerSecond: 20_000, packets: 500, seconds: 20, patterns: ['none'] })
    await assert.rejects(async () => {
      for (;;) await flood.sent()
    }, /Cannot send patterns "none"/)
  } finally {
    await flood.close()
  }
})

test('Flood pauses', async () => {
  const flood = await floodOf(['junk-udp'])
  try {
    flood.run({ packetsPerSecond: 10_000, packets: 1e6, seconds: 20 })
    await setTimeout(200)
    flood.pause()
    const sent = await total(flood)
    await setTimeout(200)
    assert.ok(sent > 0)
    assert.equal(await total(flood), sent)
  } finally {
    await flood.close()
  }
})

test('FloodProgram makes the same packets from the same seed, and others from another', async () => {
  const make = async (seed: number) => {
    const patterns = allPatterns(target)
    const program = await FloodProgram.load({ patterns, interface: findInterface(lab.netns('botnet'), 'eth0'), seed })
    try {
      return Array.from({ length: 50 }, () => Buffer.from(program.make()).toString('hex'))
    } finally {
      program.close()
    }
  }
  const [first, again, other] = [await make(7), await make(7), await make(8)]
  assert.deepEqual(first, again)
  assert.notDeepEqual(first, other)
  assert.equal(new Set(first).size, first.length)
})

test('Router forwards the attack itself and counts it', async () => {
  const flood = await floodOf(['syn', 'junk-udp6'])
  const before = router.outcomes()
  try {
    flood.run({ packetsPerSecond: 20_000, packets: 500, seconds: 20 })
    await untilSent(flood, 500)
    assert.equal(router.outcomes().forwarded - before.forwarded, 500)
    assert.equal(router.outcomes().leftToKernel, before.leftToKernel)
  } finally {
    await flood.close()
  }
})

test('Router.dropAnswers() ends what an edge sends to addresses that do not exist, and nothing else', async () => {
  router.dropAnswers('edge1')
  const client = udpSocketIn(lab.netns('clients'), 4000, CLIENT)
  const edge = udpSocketIn(lab.netns('edge1'), 4000, SERVICE4)
  const before = router.outcomes().noRoute
  const got = once(client, 'message')
  for (const to of ['198.51.100.1', '5.6.7.8', CLIENT]) edge.send('answer', 4000, to)
  assert.equal(String((await got)[0]), 'answer')
  assert.equal(router.outcomes().noRoute - before, 2)
  edge.close()
  client.close()
})
