import { buildPacket, type Content, dns, ethernet, extension, ipv4, ipv6, raw, tcp, udp } from '../../src/net/build.ts'
import { pool } from './pool.ts'
import type { Random } from './random.ts'

const NOPS = Uint8Array.of(1, 1, 1, 1)
const TO4 = ['10.0.0.1', '10.0.0.2', '10.0.1.1', '10.128.0.1'] as const
const TO6 = ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1', '2001:db8:8000::1'] as const
/** No way leads there, so that no answer comes back. */
const FROM4 = ['192.0.2.1', '192.0.2.129', '198.51.100.7', '203.0.113.9'] as const
const FROM6 = ['fd00::1', 'fd00::2', 'fd00:0:1::1', 'fd00:8000::1'] as const

export interface LocalPacketOptions {
  readonly protocol: 'udp' | 'tcp'
  readonly port: number
  /** MAC address of the interface. */
  readonly mac: string
}

/** A frame that a socket at the port receives: everything that the kernel checks is right, the rest is random. */
export function localPacket(random: Random, { protocol, port, mac }: LocalPacketOptions): Uint8Array {
  const network = random.chance(0.5) ? fourOf(random) : sixOf(random)
  const upper = protocol === 'udp' ? udpOf(random, port) : tcpOf(random, port)
  return buildPacket(ethernet({ src: random.pick(pool.macs.slice(0, 2)), dst: mac }), ...network, ...upper)
}

function fourOf(random: Random): Content[] {
  const ttl = Math.max(1, random.pick(pool.bytes))
  const options = random.chance(0.2) ? { options: NOPS } : {}
  const addresses = { src: random.pick(FROM4), dst: random.pick(TO4) }
  return [ipv4({ ...addresses, tos: random.pick(pool.bytes), id: random.pick(pool.words), ttl, ...options })]
}

function sixOf(random: Random): Content[] {
  const header = ipv6({
    src: random.pick(FROM6),
    dst: random.pick(TO6),
    trafficClass: random.pick(pool.bytes),
    flow: random.pick([0, 1, 0x12345, 0xfffff]),
    hopLimit: random.pick(pool.bytes),
  })
  const hop = random.chance(0.2) ? [padding(random, 0)] : []
  return [header, ...hop, ...random.list(0, random.pick([0, 0, 2, 7]), () => padding(random, 60))]
}

/** An extension header with one option, for experiments (RFC 4727), to skip if it is not known. */
function padding(random: Random, kind: number): Content {
  const body = new Uint8Array(random.pick([6, 6, 14]))
  body.set([0x1e, body.length - 2])
  return extension(kind, { body })
}

function udpOf(random: Random, dstport: number): Content[] {
  const header = udp({ srcport: Math.max(1, random.pick(pool.ports)), dstport })
  if (random.chance(0.5)) return [header, ...payload(random)]
  const questions = random.list(0, 2, () => ({ name: random.pick(pool.names), type: random.pick(pool.queryTypes) }))
  return [header, dns({ id: random.pick(pool.words), flags: random.pick([0x0100, 0x8180]), questions })]
}

function tcpOf(random: Random, dstport: number): Content[] {
  const options = Uint8Array.from(
    random.pick([[], [2, 4, 5, 180], [2, 4, 5, 180, 4, 2, 1, 3, 3, 7], [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0]]),
  )
  const header = tcp({
    srcport: Math.max(1, random.pick(pool.ports)),
    dstport,
    seq: random.pick(pool.longs),
    ack: random.pick(pool.longs),
    flags: random.pick(pool.flags),
    window: random.pick(pool.words),
    options,
  })
  return [header, ...payload(random)]
}

function payload(random: Random): Content[] {
  const filler = random.chance(0.1) ? [raw('B'.repeat(random.int(200, 1200)))] : []
  return [...filler, ...random.list(0, 4, () => raw(random.pick(pool.texts)))]
}
