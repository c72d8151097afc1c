import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Flood } from '../../lab/flood/flood.ts'
import { type CountersReport, Firewall } from '../../src/firewall/index.ts'
import { driverCounters, findInterface, ipBatch } from '../../src/linux/interface.ts'
import { tcpServerIn } from '../support/sockets.ts'
import { cutPacket, Fixture } from './firewall-fixture.ts'

const fixture = new Fixture('counters')
afterEach(() => fixture.reset())
after(() => fixture.remove())

const firewall = () => new Firewall(fixture.paths, { waitMs: 2_000 })

/** Packets that the driver of an interface gave to XDP. */
const ofDriver = (name: string): number =>
  [...driverCounters(fixture.netns, name)]
    .filter(([counter]) => /^rx_queue_\d+_xdp_packets$/.test(counter))
    .reduce((sum, [, packets]) => sum + packets, 0)

const decided = ({ verdicts: { pass, drop, tx } }: CountersReport): number => pass.packets + drop.packets + tx.packets

/** Every packet is in exactly one of these. */
function parts({ byDefault, malformed, rules, retired }: CountersReport, deciding: readonly string[]): number {
  const counts = [byDefault, retired.pass, retired.drop, ...Object.values(malformed)]
  return [...counts, ...deciding.map((id) => rules[id]!)].reduce((sum, { packets }) => sum + packets, 0)
}

/** Milliseconds between two readings; the packets, and what changes the firewall, need the processors too. */
const READ_EVERY_MS = 20

/** Reads counters until the signal is given; each reading must be one that can follow the one before. */
async function watch(signal: AbortSignal): Promise<number> {
  let before = firewall().counters()
  let readings = 0
  while (!signal.aborted) {
    const now = firewall().counters()
    assert.ok(now.received.packets >= before.received.packets, 'received goes up only')
    assert.ok(decided(now) >= decided(before), `decided: ${decided(before)}, then ${decided(now)}`)
    assert.ok(decided(now) <= now.received.packets, `decided ${decided(now)}, received ${now.received.packets}`)
    before = now
    readings += 1
    await sleep(READ_EVERY_MS)
  }
  return readings
}

const target = () => ({
  srcMac: findInterface(fixture.netns, 'sea1').mac,
  dstMac: findInterface(fixture.netns, 'sea0').mac,
  ipv4: '198.51.100.1',
  ipv6: '2001:db8::1',
  zone: 'seawall.example',
})

const sets = { bad: ['10.0.0.0/9', '100.64.0.0/10'] }
const first = [
  { id: 'seen', count: 'ip' },
  { id: 'some', sample: 'udp', every: 50 },
  { id: 'bad', drop: 'ip.src in $bad' },
  { id: 'slow', limit: 'udp', rate: '5k/s', per: 'ip.src/8' },
  { id: 'syn', drop: 'tcp.flags.syn' },
]
const second = [{ id: 'bad', drop: 'ip.src in $bad' }, { id: 'udp', pass: 'udp' }, 'drop if icmp']

/** Malformed packets, which the flood has none of. */
const CUT = 7

/** Everything that changes what packets go through; with SYN cookies they come and go too. */
async function changes(one: Firewall, cookies: Cookies): Promise<void> {
  const more = { sets, ...cookies }
  await one.drop({ expr: 'ip', id: 'now' })
  await one.undo('now')
  await one.drop({ expr: 'udp', id: 'now' })
  const { id } = await one.capture({ expr: 'tcp', verdict: cookies.synCookies === undefined ? 'drop' : 'tx' })
  await one.apply(await fixture.config(second, more))
  await one.changeSet('bad', 'add', '40.0.0.0/8')
  await one.rollback()
  await one.undo(id)
  await one.apply(await fixture.config(second, { sets, malformed: 'pass' }))
  await one.apply(await fixture.config(rulesOf(cookies), more))
  await one.undo('now')
}

/** Where the flood's SYNs go. */
const SYN_PORT = 80

interface Cookies {
  readonly synCookies?: { readonly when: 'always' }
}

/** SYNs are to come as far as the stage that answers them. */
const rulesOf = ({ synCookies }: Cookies) => first.filter(({ id }) => synCookies === undefined || id !== 'syn')

/** Set SEAWALL_FLOOD to packets a second, and SEAWALL_ROUNDS to times through all changes, for less. */
const FLOOD = Number(process.env.SEAWALL_FLOOD ?? 40_000)
const ROUNDS = Number(process.env.SEAWALL_ROUNDS ?? 2)

const story = 'under a flood and over every kind of change'

test(`Firewall.counters add up to what was received, ${story}`, async () => {
  await reconciles({})
})

test(`Firewall.counters add up to what was received when SYNs are answered too, ${story}`, async () => {
  ipBatch(fixture.netns, ['address add 198.51.100.1/32 dev sea0', 'link set lo up'])
  const server = tcpServerIn(fixture.netns, SYN_PORT)
  try {
    const { verdicts, synCookies } = await reconciles({ synCookies: { when: 'always' } })
    assert.ok(verdicts.tx.packets > FLOOD / 400, `${verdicts.tx.packets} SYNs were answered`)
    assert.deepEqual(verdicts.tx, synCookies.sent)
  } finally {
    server.close()
  }
})

async function reconciles(cookies: Cookies): Promise<CountersReport> {
  await firewall().apply(await fixture.config(rulesOf(cookies), { sets, ...cookies }))
  const driverBefore = ofDriver('sea0')
  const flood = await Flood.start({ netns: fixture.netns, cpu: 0, interface: 'sea1', target: target(), seed: 11 })
  const stop = new AbortController()
  const one = firewall()
  try {
    flood.run({ packetsPerSecond: FLOOD, packets: 2_000_000, seconds: 50 })
    const watching = watch(stop.signal)
    for (let round = 0; round < ROUNDS; round++) await changes(one, cookies)
    fixture.send(cutPacket(), CUT)
    stop.abort()
    const readings = await watching
    assert.ok(readings > 10, `${readings} readings`)
    flood.pause()
    const counters = await quiet()
    assert.equal(decided(counters), counters.received.packets)
    const deciding = ['bad', 'slow', 'syn'].filter((id) => id in counters.rules)
    assert.equal(parts(counters, deciding), counters.received.packets)
    assert.equal(counters.received.packets, ofDriver('sea0') - driverBefore + CUT)
    assert.ok(counters.received.packets > FLOOD / 20, `${counters.received.packets} packets are no flood`)
    return counters
  } finally {
    stop.abort()
    one.close()
    await flood.close()
  }
}

/** The counters once no more packets come. */
async function quiet(): Promise<CountersReport> {
  let before = firewall().counters()
  for (let tries = 0; tries < 100; tries++) {
    await sleep(200)
    const now = firewall().counters()
    if (now.received.packets === before.received.packets) return now
    before = now
  }
  assert.fail('packets never stop')
}
