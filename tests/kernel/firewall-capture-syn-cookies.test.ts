import assert from 'node:assert/strict'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { Program } from '../../src/bpf/index.ts'
import { type CapturedPacket, type CaptureRequest, Firewall, type Sample } from '../../src/firewall/index.ts'
import { Handover as CodecOfC } from '../../src/generated/syncookies.ts'
import { ipBatch } from '../../src/linux/interface.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { writeSysctl } from '../../src/linux/sysctl.ts'
import { buildPacket, ethernet, ipv4, ipv6, tcp, vlan } from '../../src/net/build.ts'
import { Handover } from '../../src/rules/compile/index.ts'
import { tcpServerIn } from '../support/sockets.ts'
import { Fixture, udpPacket } from './firewall-fixture.ts'
import { isSynAck, readSynAck } from './firewall-syn-cookies-reply.ts'
import { type Family, families } from './firewall-syn-cookies-world.ts'

const [WEB, CLOSED, CLIENT] = [80, 81, 40_000]
const ACK = 0x10
const actions = ['aborted', 'drop', 'pass', 'tx']

/** MSS, SACK, timestamp, NOP, scale. */
const options = Uint8Array.of(2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7)

let fixture: Fixture
let server: Server

before(() => {
  fixture = new Fixture('capture-cookies')
  writeSysctl(fixture.netns, 'net.ipv6.conf.lo.disable_ipv6', '0')
  ipBatch(fixture.netns, ['link set lo up'])
  server = tcpServerIn(fixture.netns, WEB)
})
afterEach(() => fixture.reset())
after(async () => {
  server.close()
  await fixture.remove()
})

const firewall = () => new Firewall(fixture.paths)
const rules = [
  { id: 'dns', drop: 'udp.dstport == 53' },
  { id: 'web', pass: `tcp.dstport == ${WEB}` },
]
const apply = async (
  first: readonly unknown[] = [],
  parts: { synCookies?: unknown } = { synCookies: { when: 'always' } },
) => firewall().apply(await fixture.config([...first, ...rules], parts))

/** Through the whole path, in the namespace that the listener is in. */
function send(data: Uint8Array): { verdict: string; data: Uint8Array } {
  const entry = Program.openPinned(join(fixture.paths.bpf, 'entry'))
  try {
    const run = inNetns(fixture.netns, () => entry.testRun({ data }))
    return { verdict: actions[run.result]!, data: run.data! }
  } finally {
    entry.close()
  }
}

const networks = { 4: ipv4({ src: '127.0.0.2', dst: '127.0.0.1' }), 6: ipv6({ src: '::1', dst: '::1' }) }
const segment = (family: Family, fields: Parameters<typeof tcp>[0], payload = '') =>
  buildPacket(ethernet(), networks[family], tcp({ srcport: CLIENT, dstport: WEB, ...fields }), payload)

/** An ACK of the cookie in a SYN-ACK, or of another one. */
const ackOf = (synAck: Uint8Array, family: Family, error = 0) =>
  segment(family, { flags: ACK, seq: 1, ack: (readSynAck(synAck, family).cookie + 1 + error) >>> 0 })

async function capture(request: CaptureRequest) {
  const { id } = await firewall().capture(request)
  const reader = firewall().openCapture(id)
  return async (): Promise<CapturedPacket[]> => {
    const packets: CapturedPacket[] = []
    for await (const batch of reader.batches(AbortSignal.abort())) packets.push(...batch)
    assert.equal(reader.lostInAll, 0)
    reader.close()
    return packets
  }
}

const describe = ({ verdict, decidedBy }: Pick<CapturedPacket, 'verdict' | 'decidedBy'>) => `${verdict} ${decidedBy}`

function assertReconciled(): void {
  const { received, verdicts, synCookies } = firewall().counters()
  const { pass, drop, tx } = verdicts
  assert.equal(pass.packets + drop.packets + tx.packets, received.packets)
  assert.equal(pass.bytes + drop.bytes + tx.bytes, received.bytes)
  assert.deepEqual(tx, synCookies.sent)
}

test('Handover is what bpf/syncookies.bpf.c has', () => {
  const value = { slot: 1, verdict: 2, wanted: 3, captured: 4, sampled: 5, length: 6, l3: 7, family: 8 }
  const view = new DataView(new ArrayBuffer(CodecOfC.size))
  CodecOfC.write(view, 0, { ...value, reply: new Array(10).fill(9) })
  assert.equal(Handover.size, CodecOfC.size)
  for (const name of ['slot', 'verdict', 'wanted', 'captured', 'sampled'] as const)
    assert.equal(view.getUint32(Handover[name], true), value[name], name)
})

for (const family of families)
  test(`Firewall.capture has the last word on every packet where SYN cookies have it, IPv${family}`, async () => {
    await apply()
    const all = await capture({})
    const [tx, drop, pass] = [
      await capture({ verdict: 'tx' }),
      await capture({ expr: 'tcp', verdict: 'drop' }),
      await capture({ expr: 'tcp', verdict: 'pass' }),
    ]
    const syn = segment(family, { options })
    const answered = send(syn)
    assert.equal(answered.verdict, 'tx')
    assert.ok(isSynAck(answered.data, family, CLIENT) && readSynAck(answered.data, family).hasValidChecksums)
    const [good, bad] = [ackOf(answered.data, family), ackOf(answered.data, family, 5)]
    assert.equal(send(good).verdict, 'pass')
    assert.equal(send(bad).verdict, 'drop')
    const elsewhere = segment(family, { options, dstport: CLOSED })
    assert.equal(send(elsewhere).verdict, 'pass')
    assert.equal(send(udpPacket(53)).verdict, 'drop')
    const packets = await all()
    assert.deepEqual(packets.map(describe), [
      'tx syn-cookies:answered',
      'pass web',
      'drop syn-cookies:bad',
      'pass default',
      'drop dns',
    ])
    assert.deepEqual(
      packets.map(({ bytes }) => bytes),
      [syn, good, bad, elsewhere, udpPacket(53)],
    )
    assert.deepEqual((await tx()).map(describe), ['tx syn-cookies:answered'])
    assert.deepEqual((await drop()).map(describe), ['drop syn-cookies:bad'])
    assert.deepEqual((await pass()).map(describe), ['pass web', 'pass default'])
    assertReconciled()
    const { verdicts } = firewall().counters()
    assert.deepEqual([verdicts.tx.packets, verdicts.drop.packets, verdicts.pass.packets], [1, 2, 2])
  })

test('Firewall.capture changes nothing in what is answered: SYNs that are shorter or longer than the answer, behind VLAN tags', async () => {
  await apply()
  const tagged = [vlan({ id: 6, tag: 0x88a8 }), vlan({ id: 7 })]
  const syns = families.flatMap((family) => [
    segment(family, {}),
    segment(family, { options }, 'x'.repeat(1_000)),
    buildPacket(ethernet(), ...tagged, networks[family], tcp({ srcport: CLIENT, dstport: WEB, options })),
  ])
  /** What changes from one answer to the next: cookie and timestamp; and the sums over it. */
  const shape = (syn: Uint8Array) => {
    const { verdict, data } = send(syn)
    return [verdict, data.length, Buffer.from(data.subarray(0, data.length - 40)).toString('hex')]
  }
  const without = syns.map(shape)
  const running = await capture({ expr: 'tcp' })
  assert.deepEqual(syns.map(shape), without)
  assert.ok(without.every(([verdict]) => verdict === 'tx'))
  assert.deepEqual(
    (await running()).map(({ bytes }) => bytes),
    syns,
  )
  assertReconciled()
})

test('Firewall.samples has the last word too, with captures and without', async () => {
  await apply([{ id: 'seen', sample: 'tcp', every: 1 }])
  const controller = new AbortController()
  const samples = firewall().samples({ signal: controller.signal })
  const seen: Sample[] = []
  const take = async (count: number) => {
    while (seen.length < count) seen.push((await samples.next()).value as Sample)
  }
  const first = take(1)
  const { data } = send(segment(4, { options }))
  await first
  const running = await capture({ expr: 'tcp.flags.syn' })
  send(ackOf(data, 4, 7))
  send(segment(4, { options }))
  await take(3)
  controller.abort()
  await samples.next()
  assert.deepEqual(
    seen.map((sample) => `${describe(sample)} ${sample.sampledBy}`),
    ['tx syn-cookies:answered seen', 'drop syn-cookies:bad seen', 'tx syn-cookies:answered seen'],
  )
  assert.deepEqual((await running()).map(describe), ['tx syn-cookies:answered'])
})

test('Firewall.capture goes on when SYN cookies come and go, and packets are counted once', async () => {
  await apply([], {})
  const running = await capture({ expr: 'tcp' })
  const syn = segment(4, { options })
  assert.equal(send(syn).verdict, 'pass')
  await apply()
  assert.equal(send(syn).verdict, 'tx')
  await firewall().rollback()
  assert.equal(send(syn).verdict, 'pass')
  assert.deepEqual((await running()).map(describe), ['pass web', 'tx syn-cookies:answered', 'pass web'])
  assertReconciled()
})
