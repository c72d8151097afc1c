/** What we write is read by tcpdump and Wireshark, and what they see in a packet is what we see. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { formatAddress, tryParseAddress } from '../../src/net/address.ts'
import { buildPacket, ethernet, extension, icmp, icmpv6, ipv4, ipv6, tcp, udp } from '../../src/net/build.ts'
import { type Dissection, dissect } from '../../src/net/dissect.ts'
import { formatMac } from '../../src/net/mac.ts'
import { readCapture, writePcap } from '../../src/net/pcap.ts'
import { writePcapng } from '../../src/net/pcapng-write.ts'
import { readFact } from '../../src/rules/facts.ts'
import type { FieldName } from '../../src/rules/fields.ts'
import { randomPacket } from '../arbitraries/packet.ts'
import { Random } from '../arbitraries/random.ts'

const folder = mkdtempSync(join(tmpdir(), 'seawall-wireshark-'))
after(() => rmSync(folder, { recursive: true }))

function save(name: string, bytes: Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 64 << 20 })

/** Fields under Wireshark's name, where it is another, and those that are two there: IPv4's and IPv6's. */
const counterparts = {
  'frame.len': ['frame.len'],
  'eth.src': ['eth.src'],
  'eth.dst': ['eth.dst'],
  'vlan.id': ['ieee8021ad.id', 'vlan.id'],
  'vlan.priority': ['ieee8021ad.priority', 'vlan.priority'],
  'ip.src': ['ip.src', 'ipv6.src'],
  'ip.dst': ['ip.dst', 'ipv6.dst'],
  'ip.ttl': ['ip.ttl', 'ipv6.hlim'],
  'ip.dscp': ['ip.dsfield.dscp', 'ipv6.tclass.dscp'],
  'ip.ecn': ['ip.dsfield.ecn', 'ipv6.tclass.ecn'],
  'ip.hdr_len': ['ip.hdr_len'],
  'ip.id': ['ip.id'],
  'ip.checksum': ['ip.checksum'],
  'ipv6.flow': ['ipv6.flow'],
  'ipv6.nxt': ['ipv6.nxt'],
  'ipv6.plen': ['ipv6.plen'],
  'tcp.srcport': ['tcp.srcport'],
  'tcp.dstport': ['tcp.dstport'],
  'tcp.seq': ['tcp.seq_raw'],
  'tcp.ack': ['tcp.ack_raw'],
  'tcp.hdr_len': ['tcp.hdr_len'],
  'tcp.window': ['tcp.window_size_value'],
  'tcp.urgent_pointer': ['tcp.urgent_pointer'],
  'tcp.len': ['tcp.len'],
  'udp.srcport': ['udp.srcport'],
  'udp.dstport': ['udp.dstport'],
  'udp.length': ['udp.length'],
  'udp.checksum': ['udp.checksum'],
  'icmp.type': ['icmp.type'],
  'icmp.code': ['icmp.code'],
  'icmpv6.type': ['icmpv6.type'],
  'icmpv6.code': ['icmpv6.code'],
  'dns.id': ['dns.id'],
  'dns.flags': ['dns.flags'],
  'dns.count.queries': ['dns.count.queries'],
  'dns.count.answers': ['dns.count.answers'],
  'dns.qry.type': ['dns.qry.type'],
  'dns.qry.class': ['dns.qry.class'],
  'dns.qry.name.len': ['dns.qry.name.len'],
} as const satisfies Partial<Record<FieldName, readonly string[]>>

/** Wireshark gives up within options that are noise. */
const MALFORMED = '_ws.malformed'

const compared = Object.keys(counterparts) as (keyof typeof counterparts)[]

/** A fact as Wireshark prints it, numbers in decimal. */
function printFact(packet: Dissection, name: FieldName): string | undefined {
  const fact = readFact(packet, name)
  if (fact === undefined) return undefined
  if (name === 'eth.src' || name === 'eth.dst') return formatMac(Number(fact))
  return typeof fact === 'object' && 'family' in fact ? formatAddress(fact) : String(fact)
}

/** Wireshark's fields of every packet of a file; the first of several. */
function dissectWithTshark(path: string): Record<string, string>[] {
  const names = [...Object.values(counterparts).flat(), MALFORMED]
  const noReassembly = ['ip.defragment', 'ipv6.defragment', 'tcp.desegment_tcp_streams'].flatMap((name) => [
    '-o',
    `${name}:FALSE`,
  ])
  const lines = run(
    'tshark',
    '-n',
    '-r',
    path,
    ...noReassembly,
    '-T',
    'fields',
    '-E',
    'occurrence=f',
    ...names.flatMap((name) => ['-e', name]),
  )
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => Object.fromEntries(line.split('\t').map((value, index) => [names[index]!, decimal(value)])))
}

const decimal = (value: string): string => (/^0x[0-9a-f]+$/.test(value) ? String(Number.parseInt(value, 16)) : value)

/** Wireshark's value of a field: IPv6's if the packet is IPv6, as there may be IPv4 within. */
function valueIn(
  row: Readonly<Record<string, string>>,
  packet: Dissection,
  name: keyof typeof counterparts,
): string | undefined {
  const [first, second] = counterparts[name] as readonly [string, string?]
  const order = name.startsWith('ip.') ? [packet.ipVersion === 6 ? second : first] : [first, second]
  const value = order.map((counterpart) => row[counterpart ?? '']).find((text) => text !== undefined && text !== '')
  const address = value?.includes(':') ? tryParseAddress(value) : undefined
  return address ? formatAddress(address) : value
}

/** Headers behind which Wireshark goes on to the upper protocol. */
const walkedByWireshark: ReadonlySet<number> = new Set([0, 43, 51, 60])
const CHARGEN = 19

/** Whether Wireshark stops or means something else there, so that its silence says nothing. */
function isSilent(packet: Dissection, name: FieldName): boolean {
  if (name.startsWith('vlan')) return packet.vlans.length !== 1
  if (name === 'dns.qry.name.len' && packet.question?.labels === 0) return true
  if (name.startsWith('dns') && [packet.l4, packet.l4 + 2].some((at) => packet.view.getUint16(at) === CHARGEN))
    return true
  return packet.fragment || packet.extensions.some((kind) => !walkedByWireshark.has(kind))
}

test('dissect() and readFact() see in a packet what Wireshark sees', () => {
  const random = new Random(20_250)
  const packets = Array.from({ length: 3000 }, () => randomPacket(random)).filter((bytes) => !dissect(bytes).malformed)
  const seen = dissectWithTshark(save('random.pcapng', writePcapng(packets.map((bytes) => ({ timestamp: 0n, bytes })))))
  assert.equal(seen.length, packets.length)
  const differences: string[] = []
  let agreements = 0
  for (const [index, bytes] of packets.entries()) {
    const packet = dissect(bytes)
    if (seen[index]![MALFORMED] !== '') continue
    for (const name of compared) {
      const ours = printFact(packet, name)
      const theirs = valueIn(seen[index]!, packet, name)
      if (ours === theirs) agreements += ours === undefined ? 0 : 1
      else if (ours !== undefined && !isSilent(packet, name))
        differences.push(`packet ${index}: ${name} ${ours}, not ${theirs}`)
    }
  }
  assert.deepEqual(differences, [])
  assert.ok(agreements > 20_000, `only ${agreements} fields were compared`)
})

test('buildPacket() writes checksums that Wireshark finds good', () => {
  const layers = [
    () => udp({ dstport: 9 }),
    () => tcp({ dstport: 9, options: Uint8Array.of(2, 4, 5, 180) }),
    () => icmp(),
    () => icmpv6(),
  ]
  const payloads = ['', 'odd', 'even', 'x'.repeat(1001)]
  const packets = layers.flatMap((layer, index) =>
    payloads.flatMap((payload) => [
      ...(index === 3 ? [] : [buildPacket(ethernet(), ipv4({ options: Uint8Array.of(1, 1, 1) }), layer(), payload)]),
      ...(index === 2 ? [] : [buildPacket(ethernet(), ipv6(), extension(60), layer(), payload)]),
    ]),
  )
  const path = save('checksums.pcapng', writePcapng(packets.map((bytes) => ({ timestamp: 0n, bytes }))))
  const checks = ['ip', 'udp', 'tcp'].flatMap((name) => ['-o', `${name}.check_checksum:TRUE`])
  const names = ['ip', 'udp', 'tcp', 'icmp', 'icmpv6'].flatMap((name) => ['-e', `${name}.checksum.status`])
  const rows = run('tshark', '-n', '-r', path, ...checks, '-T', 'fields', ...names)
    .trimEnd()
    .split('\n')
  assert.equal(rows.length, packets.length)
  for (const row of rows) {
    const states = row.split('\t').filter((state) => state !== '')
    assert.ok(states.length > 0 && states.every((state) => state === '1'), row)
  }
})

const captured = [
  {
    timestamp: 1_700_000_000_123_456_789n,
    bytes: buildPacket(ethernet(), ipv4({ src: '192.0.2.7' }), udp({ dstport: 53 }), 'abc'),
  },
  { timestamp: 1_700_000_001_000_000_001n, bytes: buildPacket(ethernet(), ipv6(), tcp()), comment: 'passed by "web"' },
]

test('tcpdump reads what writePcap() and writePcapng() write', () => {
  const linked = captured.map((packet) => ({ ...packet, length: packet.bytes.length, linkType: 1 }))
  for (const path of [save('a.pcap', writePcap(linked)), save('a.pcapng', writePcapng(captured, [{ name: 'eth0' }]))]) {
    const [first, second] = run('tcpdump', '-n', '-tt', '--nano', '-r', path).split('\n')
    assert.match(first!, /^1700000000\.123456789 IP 192\.0\.2\.7\.40000 > 198\.51\.100\.1\.53: /)
    assert.match(second!, /^1700000001\.000000001 IP6 2001:db8::1\.40000 > 2001:db8::2\.80: Flags \[S\]/)
  }
})

test('tshark reads the comments and interface names that writePcapng() writes', () => {
  const path = save('b.pcapng', writePcapng(captured, [{ name: 'eth0' }]))
  const rows = run('tshark', '-n', '-r', path, '-T', 'fields', '-e', 'frame.interface_name', '-e', 'frame.comment')
  assert.deepEqual(rows.trimEnd().split('\n'), ['eth0\t', 'eth0\tpassed by "web"'])
})

test('readCapture() reads what tcpdump and tshark write', () => {
  const path = save('c.pcapng', writePcapng(captured))
  run('tcpdump', '-r', path, '-w', join(folder, 'micro.pcap'))
  run('tshark', '-r', path, '-F', 'nsecpcap', '-w', join(folder, 'nano.pcap'))
  run('tshark', '-r', path, '-w', join(folder, 'again.pcapng'))
  for (const [name, grain] of [
    ['micro.pcap', 1000n],
    ['nano.pcap', 1n],
    ['again.pcapng', 1n],
  ] as const) {
    const packets = readCapture(readFileSync(join(folder, name)))
    assert.deepEqual(
      packets.map(({ timestamp }) => timestamp),
      captured.map(({ timestamp }) => timestamp - (timestamp % grain)),
      name,
    )
    assert.deepEqual(
      packets.map(({ bytes }) => Uint8Array.from(bytes)),
      captured.map(({ bytes }) => bytes),
      name,
    )
  }
})
