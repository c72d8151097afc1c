import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { concat, LINKTYPE_ETHERNET, writePcap } from '../../src/net/index.ts'
import { Random } from '../arbitraries/random.ts'
import { goodFrame } from '../support/balancer-corpus.ts'
import { corpusPlane, corpusWorld } from '../support/balancer-corpus-plane.ts'
import { GUE_PORT, type Plane, Verdict } from '../support/balancer-plane.ts'
import { readInner, readLink } from '../support/balancer-reader.ts'

// What the balancer sends, and what it takes out of tunnels, as Wireshark sees it, beside the packet as it was before.

const WANTED = 3000
const folder = mkdtempSync(join(tmpdir(), 'seawall-balancer-'))

let plane: Plane

before(async () => {
  plane = await corpusPlane()
})
after(() => {
  plane?.close()
  rmSync(folder, { recursive: true })
})

/** A frame's packet alone, without what it was encapsulated in. */
function bare(frame: Uint8Array): Uint8Array {
  const at = readLink(frame)!.length
  const inner = readInner(frame, at, GUE_PORT)
  const packet = inner && corpusWorld.self.includes(inner.outer.dst) ? inner.packet : frame.subarray(at)
  const type = packet[0]! >> 4 === 4 ? [0x08, 0x00] : [0x86, 0xdd]
  return concat(frame.subarray(0, 12), Uint8Array.from(type), packet)
}

/** Packets as they were and as they are, where those differ. */
function pairs(): (readonly [Uint8Array, Uint8Array])[] {
  const random = new Random(11)
  const made: (readonly [Uint8Array, Uint8Array])[] = []
  while (made.length < WANTED) {
    const frame = goodFrame(random)
    const { result, data } = plane.runOnly(frame)
    const isNew = result === Verdict.tx || (result === Verdict.pass && data.length < frame.length)
    if (isNew) made.push([bare(frame), Uint8Array.from(data)])
  }
  return made
}

/** Payloads are noise: only headers are looked at, each packet by itself. */
const QUIET = [
  ...['quic', 'gquic', 'http', 'dns', 'tls'].flatMap((protocol) => ['--disable-protocol', protocol]),
  ...['ip', 'tcp', 'udp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`]),
  ...['-o', 'tcp.analyze_sequence_numbers:FALSE', '-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE'],
]
const CHECKSUMS = ['ip.checksum.status', 'icmp.checksum.status', 'icmpv6.checksum.status']
const FIELDS = ['frame.protocols', '_ws.expert.severity', '_ws.expert.message', ...CHECKSUMS]
const [GOOD, ERROR] = ['1', '8388608']

interface Seen {
  readonly protocols: string
  /** Of IPv4 headers and ICMP messages. */
  readonly checksums: readonly string[]
  readonly errors: readonly string[]
}

function seenByWireshark(frames: readonly Uint8Array[]): Seen[] {
  const file = join(folder, 'frames.pcap')
  const packets = frames.map((bytes) => ({ bytes, length: bytes.length, timestamp: 0n, linkType: LINKTYPE_ETHERNET }))
  writeFileSync(file, writePcap(packets))
  const fields = FIELDS.flatMap((field) => ['-e', field])
  const args = ['-n', '-r', file, '-T', 'fields', '-E', 'aggregator=;', ...fields, ...QUIET]
  const text = execFileSync('tshark', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 64 << 20,
  })
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => {
      const [protocols = '', severities = '', messages = '', ...checksums] = line.split('\t')
      const severity = severities.split(';')
      const errors = messages.split(';').filter((_, i) => severity[i] === ERROR)
      return { protocols, checksums: checksums.flatMap((each) => each.split(';')).filter(Boolean), errors }
    })
}

/** A zero checksum is allowed to tunnels (RFC 6935), and that of a packet which is quoted in part cannot be right. */
function isHarmless(error: string, was: Seen, is: Seen): boolean {
  const isAnswer = /:icmp/.test(is.protocols) && !/:icmp/.test(was.protocols)
  return error === 'Illegal checksum value (0)' || (isAnswer && error.startsWith('Bad checksum'))
}

test(`balancer makes ${WANTED} packets in which Wireshark finds no error that was not there before`, (t) => {
  const made = pairs()
  const seen = seenByWireshark(made.flat())
  assert.equal(seen.length, 2 * WANTED)
  const kinds = new Map<string, number>()
  for (let i = 0; i < WANTED; i++) {
    const [was, is] = [seen[2 * i]!, seen[2 * i + 1]!]
    const added = is.errors.filter((error) => !was.errors.includes(error) && !isHarmless(error, was, is))
    assert.deepEqual(added, [], Buffer.from(made[i]![1]).toString('hex'))
    assert.ok(is.checksums.every((status) => status === GOOD))
    const kind = is.protocols.replaceAll('ethertype:', '').split(':').slice(0, 4).join(':')
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
  for (const kind of [
    'eth:ip:ip:tcp',
    'eth:ipv6:ip:tcp',
    'eth:ip:ipv6:tcp',
    'eth:ipv6:ipv6:tcp',
    'eth:ip:udp:data',
    'eth:ip:icmp:ip',
  ])
    assert.ok(kinds.has(kind), `${kind} of ${[...kinds.keys()].join(' ')}`)
  t.diagnostic([...kinds].map(([kind, count]) => `${kind} ${count}`).join(', '))
})
