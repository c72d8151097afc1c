import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Loaded, load } from '../../src/bpf/index.ts'
import { health, Passage } from '../../src/generated/health.ts'
import { addressBytes, parseAddress } from '../../src/net/address.ts'
import { buildPacket, type Content, ethernet, ipv4, ipv6, raw, tcp, udp } from '../../src/net/build.ts'

// The programs of bpf/health.bpf.c, packet by packet.

/** `TC_ACT_UNSPEC`: somebody else decides; `TC_ACT_SHOT`; `TC_ACT_REDIRECT`. */
const [GOES_ON, DROPPED, REDIRECTED] = [-1, 2, 7]

const OWN_PORT = 61_007
const service = { 4: '192.0.2.53', 6: '2001:db8:53::53' } as const
const own = { 4: '10.0.1.2', 6: 'fd00::1' } as const

let loaded: Loaded<typeof health>

before(async () => {
  loaded = await load(health, { config: { self4: 0x0a000102, guePort: 6080, gate: 1 } })
  probe(7, 4, 6)
  probe(8, 6, 17)
})
after(() => loaded.close())

function padded(text: string): Uint8Array {
  const bytes = new Uint8Array(16)
  bytes.set(addressBytes(parseAddress(text)))
  return bytes
}

/** Somebody is asked from a port, the one at this index: port 80 of the service of a family. */
function probe(index: number, family: 4 | 6, protocol: number): void {
  loaded.maps.probes.set(index, {
    service: padded(service[family]),
    backend: padded('10.0.2.2'),
    ifindex: 1,
    port: 80,
    protocol,
    family: family === 4 ? 2 : 10,
    outerFamily: 2,
    gue: true,
  })
}

const verdict = (program: 'fromBackend' | 'toBackend', ...layers: Content[]): number =>
  loaded.programs[program].testRun({ data: buildPacket(ethernet(), ...layers) }).result | 0

const answers = (): number =>
  loaded.maps.passages.getPerCpu(Passage.Answered)!.reduce((sum, each) => sum + Number(each), 0)

test('from_backend hands on what the service answers to the port that asked', () => {
  const before = answers()
  const four = ipv4({ src: service[4], dst: own[4] })
  assert.equal(verdict('fromBackend', four, tcp({ srcport: 80, dstport: OWN_PORT })), REDIRECTED)
  const six = ipv6({ src: service[6], dst: own[6] })
  assert.equal(verdict('fromBackend', six, udp({ srcport: 80, dstport: OWN_PORT + 1 }), 'hi'), REDIRECTED)
  assert.equal(answers() - before, 2)
})

/** An ICMP error, with whatever follows as the packet that it quotes. */
const icmpError = (family: 4 | 6, type: number, code: number): Content[] => {
  const ends = { src: service[family], dst: own[family] }
  const ip = family === 4 ? ipv4({ ...ends, protocol: 1 }) : ipv6({ ...ends, nextHeader: 58 })
  return [ip, raw(Uint8Array.of(type, code, 0, 0, 0, 0, 0, 0))]
}

test('from_backend hands on ICMP errors about what was sent to the service, from 4 bytes of its ports', () => {
  const before = answers()
  const ports = (from: number) => raw(Uint8Array.of(from >> 8, from & 255, 0, 80))
  const four = ipv4({ src: own[4], dst: service[4], protocol: 6 })
  const six = ipv6({ src: own[6], dst: service[6], nextHeader: 17 })
  for (const type of [3, 11, 12])
    assert.equal(verdict('fromBackend', ...icmpError(4, type, 3), four, ports(OWN_PORT)), REDIRECTED)
  for (const type of [1, 2, 3, 4])
    assert.equal(verdict('fromBackend', ...icmpError(6, type, 4), six, ports(OWN_PORT + 1)), REDIRECTED)
  assert.equal(answers() - before, 7)
  const strange: Readonly<Record<string, readonly Content[]>> = {
    'an echo reply': [...icmpError(4, 0, 0), four, ports(OWN_PORT)],
    'an echo request': [...icmpError(6, 128, 0), six, ports(OWN_PORT + 1)],
    'a port that nobody asks from': [...icmpError(4, 3, 3), four, ports(OWN_PORT + 2)],
    'an answer of the service': [
      ...icmpError(4, 3, 3),
      ipv4({ src: service[4], dst: own[4], protocol: 6 }),
      raw(Uint8Array.of(0, 80, OWN_PORT >> 8, OWN_PORT & 255)),
    ],
    'another service': [...icmpError(4, 3, 3), ipv4({ src: own[4], dst: '192.0.2.54', protocol: 6 }), ports(OWN_PORT)],
    'no ports': [...icmpError(4, 3, 3), four],
  }
  for (const [name, layers] of Object.entries(strange)) assert.equal(verdict('fromBackend', ...layers), GOES_ON, name)
})

test('from_backend leaves everything else to the kernel', () => {
  const from = (src: string) => ipv4({ src, dst: own[4] })
  const answer = { srcport: 80, dstport: OWN_PORT }
  const strange: Readonly<Record<string, readonly Content[]>> = {
    'another sender': [from('192.0.2.54'), tcp(answer)],
    'another port of the service': [from(service[4]), tcp({ ...answer, srcport: 81 })],
    'a port that nobody asks from': [from(service[4]), tcp({ ...answer, dstport: OWN_PORT + 2 })],
    'a port below those of checks': [from(service[4]), tcp({ ...answer, dstport: 60_999 })],
    'a port above those of checks': [from(service[4]), tcp({ ...answer, dstport: 65_535 })],
    'another protocol': [from(service[4]), udp(answer), 'hi'],
    'another family': [ipv6({ src: service[6], dst: own[6] }), tcp(answer)],
    'a fragment': [ipv4({ src: service[4], dst: own[4], fragmentOffset: 8 }), tcp(answer)],
    'no ports': [ipv4({ src: service[4], dst: own[4], protocol: 1 }), raw(new Uint8Array(20))],
    'too short': [ipv4({ src: service[4], dst: own[4], protocol: 6 })],
    ARP: [raw(new Uint8Array(46))],
  }
  for (const [name, layers] of Object.entries(strange)) assert.equal(verdict('fromBackend', ...layers), GOES_ON, name)
})

test('to_backend drops what no check sends', () => {
  const to = (dst: string) => ipv4({ src: own[4], dst })
  const asked = { srcport: OWN_PORT, dstport: 80 }
  assert.equal(verdict('toBackend', to(service[4]), tcp(asked)), REDIRECTED)
  assert.equal(verdict('toBackend', to('192.0.2.54'), tcp(asked)), DROPPED)
  assert.equal(verdict('toBackend', to(service[4]), tcp({ ...asked, dstport: 443 })), DROPPED)
  assert.equal(verdict('toBackend', to(service[4]), tcp({ ...asked, srcport: 40_000 })), DROPPED)
  assert.equal(verdict('toBackend', raw(new Uint8Array(46))), DROPPED)
})
