import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Firewall } from '../../src/firewall/index.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { start } from '../../src/linux/process.ts'
import { dissect } from '../../src/net/dissect.ts'
import { readCapture } from '../../src/net/pcap.ts'
import {
  formatSignature,
  matchesSignature,
  parseSignature,
  readSyn,
  type Syn,
  signatureOf,
} from '../../src/rules/index.ts'
import { flipBit, randomSynPacket } from '../arbitraries/packet.ts'
import { Random } from '../arbitraries/random.ts'
import { randomSignature } from '../arbitraries/signature.ts'
import { askP0f, numberPorts, type P0fReport } from '../support/p0f.ts'
import { ClientWire } from './client-wire.ts'
import { Fixture } from './firewall-fixture.ts'

const PACKETS = 500
/** Set SEAWALL_PAIRS for a longer run. */
const RUNS = Math.ceil(Number(process.env.SEAWALL_PAIRS ?? 110_000) / 5_500)

/** A text without the TTL, for which p0f also writes how far it guesses the packet has come. */
const withoutTtl = (signature: string): string => formatSignature(parseSignature(signature.replace(/:[^:]*/, ':1')))

/**
 * Where p0f 3.09b does not do what its documentation says: it takes an acknowledgement number for 0 by one bit only, and does not look
 * at the last byte of padding.
 */
function isMisread(packet: Uint8Array): boolean {
  const { view, l4, payload, upper } = dissect(packet)
  if (upper !== 'tcp') return false
  const ack = view.getUint32(l4 + 8)
  return (ack !== 0 && ((ack >>> 24) & 1) === 0) || (payload > l4 + 20 && packet[payload - 1] !== 0)
}

function randomSyns(random: Random): Uint8Array[] {
  const few = random.list(20, 40, () => randomSynPacket(random))
  const packets: Uint8Array[] = []
  while (packets.length < PACKETS) {
    const packet = random.chance(0.5) ? flipBit(random, random.pick(few)) : random.pick(few)
    if (dissect(packet).malformed === null && dissect(packet).upper === 'tcp' && !isMisread(packet))
      packets.push(packet)
  }
  return numberPorts(packets)
}

/** Behind `ittl-`, p0f 3.09b skips the first digit of the length of IP options. */
function readableSignature(random: Random, syn: Syn): string {
  const signature = randomSignature(random, syn)
  return formatSignature(signature.ipOptions > 0 ? { ...signature, anyDistance: false } : signature)
}

/** Signatures of which none covers a later one, and p0f's reports. */
function askAboutMost(signatures: readonly string[], packets: readonly Uint8Array[]) {
  const accepted: string[] = []
  let reports: (P0fReport | undefined)[] = []
  for (const signature of signatures) {
    try {
      reports = askP0f([...accepted, signature], packets)
      accepted.push(signature)
    } catch (error) {
      assert.match(String(error), /already covered/, `${signature}: ${error}`)
    }
  }
  return { accepted, reports }
}

test('readSyn() and matchesSignature() say what p0f itself says of random SYNs', (t) => {
  let [syns, matches] = [0, 0]
  for (let seed = 1; seed <= RUNS; seed++) {
    const random = new Random(seed)
    const packets = randomSyns(random)
    const found = packets.map((packet) => readSyn(dissect(packet)))
    const known = found.filter((syn) => syn !== undefined)
    const wanted = random.list(6, 12, () => readableSignature(random, random.pick(known)))
    const { accepted, reports } = askAboutMost(wanted, packets)
    const signatures = accepted.map((text) => parseSignature(text))
    found.forEach((syn, i) => {
      const report = reports[i]
      const about = `seed ${seed}: ${Buffer.from(packets[i]!).toString('hex')}\n${accepted.join('\n')}`
      assert.equal(syn && withoutTtl(formatSignature(signatureOf(syn))), report && withoutTtl(report.raw), about)
      if (!syn) return
      const first = signatures.findIndex((signature) => matchesSignature(signature, syn))
      assert.equal(first, report?.signature ?? -1, about)
      syns++
      if (first >= 0) matches++
    })
  }
  t.diagnostic(`${syns} SYNs, of which ${matches} have a signature`)
  assert.ok(matches > syns / 50, `${matches} of ${syns} have a signature`)
})

const fixture = new Fixture('rules')
const wire = new ClientWire(fixture.netns)
after(async () => {
  wire.remove()
  await fixture.remove()
})

/** Connects to a closed port, which takes one SYN: it is answered with a reset. */
function connect(address: string, ...sysctls: string[]): void {
  inNetns(wire.client, () => {
    for (const setting of sysctls) spawnSync('sysctl', ['-qw', setting])
    const { status, stderr } = spawnSync('bash', ['-c', `exec 3<>/dev/tcp/${address}/9`], { encoding: 'utf8' })
    assert.ok(status === 1 && stderr.includes('refused'), stderr)
  })
}

const SYNS = 'tcp[13] & 0x17 == 2 or (ip6[6] == 6 and ip6[53] & 0x17 == 2)'

/** Runs tcpdump on the client's side of the wire while `work` runs; the frames that it wrote. */
async function captured(count: number, work: () => void): Promise<Uint8Array[]> {
  const file = join(fixture.folder, 'syn.pcap')
  const args = ['-i', 'wire1', '-U', '-w', file, '-c', String(count), SYNS]
  const tcpdump = start('timeout', ['20', 'tcpdump', ...args], {
    netns: wire.client,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(tcpdump, 'exit')
  await new Promise<void>((resolve) =>
    tcpdump.stderr!.on('data', (text) => String(text).includes('listening on') && resolve()),
  )
  work()
  await ended
  return readCapture(readFileSync(file)).map(({ bytes }) => bytes)
}

/** Signatures of Linux since 4.19 with a route of MTU 1500; the scale depends on its memory. */
const linux = [
  { id: 'linux4', count: 'p0f("4:64:0:1460:mss*44,*:mss,sok,ts,nop,ws:df,id+:0")' },
  { id: 'linux6', count: 'p0f("6:64:0:1440:mss*45,*:mss,sok,ts,nop,ws:flow:0")' },
  { id: 'no-timestamps', count: 'p0f("4:64:0:1460:mss*44,*:mss,nop,nop,sok,nop,ws:df,id+:0")' },
  { id: 'ecn', count: 'p0f("*:64:0:*:mss*44,*:mss,sok,ts,nop,ws:df,id+,ecn:0")' },
  { id: 'windows', count: 'p0f("*:128:0:*:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0")' },
]

test('p0f signatures of Linux are those that its own SYNs have on a wire', async () => {
  const firewall = new Firewall(fixture.paths)
  await firewall.apply(await fixture.config(linux, { interfaces: ['wire0'] }))
  const frames = await captured(4, () => {
    connect('10.97.0.1')
    connect('fd97::1')
    connect('10.97.0.1', 'net.ipv4.tcp_timestamps=0')
    connect('10.97.0.1', 'net.ipv4.tcp_timestamps=1', 'net.ipv4.tcp_ecn=1')
  })
  const counts = Object.entries(firewall.counters().rules).map(([id, { packets }]) => [id, packets])
  assert.deepEqual(counts, [
    ['linux4', 1],
    ['linux6', 1],
    ['no-timestamps', 1],
    ['ecn', 1],
    ['windows', 0],
  ])
  const own = frames.map((frame) => formatSignature(signatureOf(readSyn(dissect(frame))!)))
  assert.deepEqual(
    askP0f([], numberPorts(frames)).map((report) => withoutTtl(report!.raw)),
    own.map(withoutTtl),
  )
  for (const [i, { count }] of linux.slice(0, 4).entries()) {
    const signature = parseSignature(/"(.*)"/.exec(count)![1]!)
    assert.ok(matchesSignature(signature, readSyn(dissect(frames[i]!))!), own[i])
  }
})

test('patterns of DNS names match what dig asks', async () => {
  const rules = [
    { id: 'example', count: 'dns.qry.name matches "*.example.com" and dns.count.labels > 3' },
    { id: 'one', drop: 'dns.qry.name matches "?.example.com"' },
    { id: 'any', count: 'dns.qry.name matches "*" and dns.qry.name.len > 3' },
  ]
  const firewall = new Firewall(fixture.paths)
  await firewall.apply(await fixture.config(rules, { interfaces: ['wire0'] }))
  const names = [
    'a.b.Example.COM',
    'www.example.com',
    'example.com',
    'www.example.com.evil.net',
    'xexample.com',
    'com',
    '.',
  ]
  for (const server of ['10.97.0.1', 'fd97::1'])
    inNetns(wire.client, () => spawnSync('dig', ['+tries=1', '+time=1', `@${server}`, ...names]))
  const { rules: counters } = firewall.counters()
  assert.deepEqual(
    Object.entries(counters).map(([id, { packets }]) => [id, packets]),
    [
      ['example', 2],
      ['one', 2],
      ['any', 8],
    ],
  )
})
