import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { BpfMap } from '../../src/bpf/index.ts'
import { Firewall, type Probe, type ProbeReport } from '../../src/firewall/index.ts'
import { decodeManifest, encodeManifest, type Manifest } from '../../src/firewall/manifest.ts'
import { cutPacket, Fixture, udpPacket } from './firewall-fixture.ts'

let fixture: Fixture
const firewall = () => new Firewall(fixture.paths)

/** Every kind of action, with tables, a set, and cells of limits. */
const rules = [
  { id: 'seen', count: 'udp' },
  { id: 'some', sample: 'udp.dstport == 9', every: 10 },
  { id: 'office', pass: 'ip.src in $office and not ip.frag' },
  { id: 'rate', limit: 'udp.dstport == 7', rate: '1/s', burst: 2, per: 'ip.src/24' },
  { id: 'all', limit: 'udp.dstport == 8', rate: '1/s', burst: 1 },
  ...Array.from(
    { length: 10 },
    (_, index) => `drop if udp.srcport == ${5000 + index} and ip.src == 203.0.113.${index}`,
  ),
]
const sets = { office: ['192.0.2.0/28', '2001:db8::/32'] }
const packets = [udpPacket(4242), udpPacket(5), udpPacket(7, '192.0.2.77'), cutPacket()]
const expected = ['drop while while', 'pass office seen+office', 'pass default seen', 'drop malformed:ip_truncated ']

before(async () => {
  fixture = new Fixture('probe')
  await firewall().apply(await fixture.config(rules, { sets }))
  await firewall().drop({ expr: 'udp.dstport == 4242', forMs: 600_000, id: 'while' })
})
after(() => fixture.remove())

const brief = ({ verdict, decidedBy, matched }: Probe) => `${verdict} ${decidedBy} ${matched.join('+')}`

/** Probes while the generation says something else of itself. */
async function probedWith(change: (manifest: Manifest) => Manifest): Promise<ProbeReport> {
  const { generation } = firewall().status()
  using map = BpfMap.openPinned(join(fixture.paths.bpf, `gen-${generation}`, 'manifest'))
  const [key, before] = [new Uint8Array(4), map.getRaw(new Uint8Array(4))!]
  const changed = new Uint8Array(map.valueSize).fill(0x20)
  changed.set(encodeManifest(change(decodeManifest(before))))
  map.setRaw(key, changed)
  try {
    return await firewall().probe(packets)
  } finally {
    map.setRaw(key, before)
  }
}

test('Firewall.probe runs the very program that is in force, also one with rules for a while', async () => {
  const { program, probes } = await firewall().probe(packets)
  assert.deepEqual(probes.map(brief), expected)
  const { tag } = firewall().status().program
  assert.deepEqual(program, { live: true, tag, liveTag: tag })
})

test('Firewall.probe runs the very program also while packets are captured, and captures none', async () => {
  const { id } = await firewall().capture({ expr: 'udp' })
  const { program, probes } = await firewall().probe([udpPacket(4242)])
  assert.equal(program.live, true)
  assert.equal(probes[0]!.decidedBy, 'while')
  assert.equal(firewall().counters().rules[id]!.packets, 0)
  await firewall().undo(id)
})

test('Firewall.probe lets packets of one call meet the limits one after the other', async () => {
  const { probes } = await firewall().probe(Array(12).fill(udpPacket(7, '192.0.2.77')))
  assert.deepEqual(
    probes.map((probe) => probe.decidedBy),
    [...Array<string>(2).fill('default'), ...Array<string>(10).fill('rate')],
  )
  assert.equal((await firewall().probe([udpPacket(7, '192.0.2.77')])).probes[0]!.decidedBy, 'default')
})

for (const [what, change] of [
  ['another clock', (manifest) => ({ ...manifest, clock: { ...manifest.clock, jiffiesAtZero: '1' } })],
  ['another secret', (manifest) => ({ ...manifest, secret: '1'.repeat(16) })],
  ['another table', (manifest) => ({ ...manifest, rules: manifest.rules.map(withOtherPort) })],
] as const satisfies readonly [string, (manifest: Manifest) => Manifest][]) {
  test(`Firewall.probe says so if what it ran has ${what} than the program in force`, async () => {
    const { program } = await probedWith(change)
    assert.equal(program.live, false)
    // Tables are no part of a tag.
    assert.equal(program.tag === program.liveTag, what === 'another table')
    assert.equal(program.liveTag, firewall().status().program.tag)
  })
}

function withOtherPort(rule: Manifest['rules'][number]): Manifest['rules'][number] {
  return { ...rule, text: rule.text.replace('udp.srcport == 5003', 'udp.srcport == 4003') }
}

test('Firewall.probe says the same of each of many packets, and counts none', async () => {
  await firewall().apply(
    await fixture.config([
      { id: 'seen', count: 'udp' },
      { id: 'seven', drop: 'udp.dstport == 7' },
    ]),
  )
  const before = firewall().counters()
  const { probes } = await firewall().probe(Array.from({ length: 600 }, (_, i) => packets[i % packets.length]!))
  const each = ['drop while while', 'pass default seen', 'drop seven seen+seven', 'drop malformed:ip_truncated ']
  assert.deepEqual(
    probes.map(brief),
    probes.map((_, i) => each[i % each.length]),
  )
  assert.deepEqual(firewall().counters(), before)
})
