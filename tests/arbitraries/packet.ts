/** Random frames: well formed, hostile, and just off. */
import {
  buildPacket,
  type Content,
  concat,
  dns,
  ethernet,
  extension,
  fragment,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  raw,
  tcp,
  udp,
  vlan,
} from '../../src/net/build.ts'
import { pool } from './pool.ts'
import type { Random } from './random.ts'

/** Longest frame made. */
export const MAX_FRAME = 1514

/** A frame; some are cut, padded or have a byte changed. */
export function randomPacket(random: Random): Uint8Array {
  const frame = buildPacket(randomEthernet(random), ...randomVlans(random), ...randomNetwork(random))
  return damage(random, frame).slice(0, MAX_FRAME)
}

/** A SYN over plain IP, or now and then over IP that is not so plain. */
export function randomSynPacket(random: Random): Uint8Array {
  const ttl = random.pick([0, 1, 29, 30, 63, 64, 65, 92, 93, 128, 220, 255])
  const tos = random.weighted([80, 0], [10, 0x10], [10, random.int(1, 3)])
  const ip = random.weighted<() => Content>(
    [50, () => ipv4({ src: random.pick(pool.ipv4), ttl, tos, ...randomId(random) })],
    [
      35,
      () => ipv6({ src: random.pick(pool.ipv6), hopLimit: ttl, trafficClass: tos, flow: random.pick([0, 0x12345]) }),
    ],
    [8, () => randomIpv4(random)],
    [7, () => randomIpv6(random)],
  )()
  const extensions = random.chance(0.04) ? [randomExtension(random)] : []
  const payload = random.chance(0.1) ? [raw('data')] : []
  return buildPacket(ethernet(), ip, ...extensions, randomSyn(random), ...payload)
}

const randomId = (random: Random) =>
  random.weighted(
    [70, { flags: 2, id: 0x1234 }],
    [12, { flags: 2, id: 0 }],
    [6, { flags: 0, id: 0 }],
    [6, { flags: 4, id: 7 }],
    [6, { options: Uint8Array.of(0x94, 4, 0, 0) }],
  )

/** The frame with one bit of its first 100 bytes the other way round. */
export function flipBit(random: Random, frame: Uint8Array): Uint8Array {
  const flipped = frame.slice()
  const at = random.int(0, Math.min(frame.length, 100) - 1)
  flipped[at] = flipped[at]! ^ (1 << random.int(0, 7))
  return flipped
}

/** A DNS message over UDP. */
export function randomDnsPacket(random: Random): Uint8Array {
  return buildPacket(ethernet(), ipv4(), udp({ srcport: 4000, dstport: 53 }), ...randomDns(random))
}

/** The first `length` bytes of the frame for every length from `from` on. */
export function everyCut(frame: Uint8Array, from = 0): Uint8Array[] {
  return Array.from({ length: frame.length - from + 1 }, (_, index) => frame.slice(0, from + index))
}

function damage(random: Random, frame: Uint8Array): Uint8Array {
  return random.weighted<() => Uint8Array>(
    [70, () => frame],
    [10, () => frame.slice(0, random.int(0, frame.length))],
    [10, () => concat(frame, random.bytes(random.int(1, 46)))],
    [10, () => changeByte(random, frame)],
  )()
}

function changeByte(random: Random, frame: Uint8Array): Uint8Array {
  const changed = frame.slice()
  if (frame.length > 0) changed[random.int(0, Math.min(frame.length, 90) - 1)] = random.pick(pool.bytes)
  return changed
}

const randomEthernet = (random: Random): Content => {
  const addresses = { src: random.pick(pool.macs), dst: random.pick(pool.macs) }
  return ethernet(random.chance(0.03) ? { ...addresses, type: random.pick(pool.etherTypes) } : addresses)
}

function randomVlans(random: Random): Content[] {
  const count = random.weighted([60, 0], [20, 1], [14, 2], [6, 3])
  return Array.from({ length: count }, (_, index) =>
    vlan({
      id: random.pick(pool.vlans),
      priority: random.int(0, 7),
      tag: index === 0 && random.chance(0.5) ? 0x88a8 : 0x8100,
      ...(random.chance(0.02) ? { type: random.pick(pool.etherTypes) } : {}),
    }),
  )
}

function randomNetwork(random: Random): Content[] {
  return random.weighted<() => Content[]>(
    [46, () => [randomIpv4(random), ...randomUpper(random, 4)]],
    [46, () => [randomIpv6(random), ...randomExtensions(random), ...randomUpper(random, 6)]],
    [3, () => [arp(random)]],
    [2, () => [ethertype(random), random.bytes(random.int(0, 60))]],
    [3, () => [randomIpv4(random), randomIpv6(random), ...randomUpper(random, 6)]],
  )()
}

const arp = (random: Random): Content => ({ ...raw(random.bytes(28)), etherType: 0x0806 })
const ethertype = (random: Random): Content => ({ ...raw(''), etherType: random.pick(pool.etherTypes) })

/** Now and then a part of the options, so that most fields keep their right values. */
function sometimes<T extends object>(random: Random, probability: number, make: () => T): Partial<T> {
  return random.chance(probability) ? make() : {}
}

function randomIpv4(random: Random): Content {
  return ipv4({
    src: random.pick(pool.ipv4),
    dst: random.pick(pool.ipv4),
    tos: random.pick(pool.bytes),
    id: random.pick(pool.words),
    ttl: random.pick(pool.bytes),
    flags: random.weighted([50, 2], [30, 0], [8, 1], [4, 4], [4, 3], [4, 7]),
    ...sometimes(random, 0.25, () => ({ options: random.bytes(random.int(1, 40)) })),
    ...sometimes(random, 0.12, () => ({ fragmentOffset: random.pick([0, 8, 16, 1480, 65528]) })),
    ...sometimes(random, 0.02, () => ({ version: random.pick([0, 5, 6, 15]) })),
    ...sometimes(random, 0.03, () => ({ headerLength: 4 * random.int(0, 15) })),
    ...sometimes(random, 0.06, () => ({ length: random.weighted([1, random.int(0, 60)], [1, random.int(0, 65535)]) })),
    ...sometimes(random, 0.06, () => ({ protocol: random.pick(pool.protocols) })),
    ...sometimes(random, 0.1, () => ({ checksum: random.pick(pool.words) })),
  })
}

function randomIpv6(random: Random): Content {
  return ipv6({
    src: random.pick(pool.ipv6),
    dst: random.pick(pool.ipv6),
    trafficClass: random.pick(pool.bytes),
    flow: random.pick([0, 1, 0x12345, 0xfffff]),
    hopLimit: random.pick(pool.bytes),
    ...sometimes(random, 0.02, () => ({ version: random.pick([0, 4, 7, 15]) })),
    ...sometimes(random, 0.05, () => ({ length: random.weighted([1, random.int(0, 80)], [1, random.int(0, 65535)]) })),
    ...sometimes(random, 0.05, () => ({ nextHeader: random.pick(pool.protocols) })),
  })
}

function randomExtensions(random: Random): Content[] {
  const count = random.weighted([45, 0], [35, random.int(1, 3)], [14, random.int(4, 8)], [6, random.int(8, 10)])
  return Array.from({ length: count }, () => randomExtension(random))
}

function randomExtension(random: Random): Content {
  const kind = random.pick([0, 43, 44, 44, 51, 60, 60, 135, 139, 140])
  const nextHeader = sometimes(random, 0.03, () => ({ nextHeader: random.pick(pool.protocols) }))
  if (kind === 44) {
    const offset = random.weighted([70, 0], [10, 8], [10, 1480], [10, 65528])
    return fragment({ offset, more: random.chance(0.5), id: random.pick(pool.longs), ...nextHeader })
  }
  const size = kind === 51 ? random.pick([8, 12, 16, 24]) : random.pick([8, 8, 8, 16, 24, 64])
  const length = sometimes(random, 0.03, () => ({ length: random.pick(pool.bytes) }))
  return extension(kind, { body: random.bytes(size - 2), ...length, ...nextHeader })
}

function randomUpper(random: Random, version: 4 | 6): Content[] {
  return random.weighted<() => Content[]>(
    [40, () => [randomUdp(random), ...randomDns(random)]],
    [12, () => [randomUdp(random), ...randomPayload(random)]],
    [30, () => [randomTcp(random), ...randomPayload(random)]],
    [
      10,
      () => [(random.chance(version === 4 ? 0.9 : 0.1) ? icmp : icmpv6)(randomIcmp(random)), ...randomPayload(random)],
    ],
    [4, () => [protocol(random), ...randomPayload(random)]],
    [2, () => [random.bytes(random.int(0, 24))]],
    [2, () => []],
  )()
}

const protocol = (random: Random): Content => ({ ...raw(random.bytes(8)), protocol: random.pick(pool.protocols) })

function randomUdp(random: Random): Content {
  return udp({
    srcport: random.pick(pool.ports),
    dstport: random.pick(pool.ports),
    ...sometimes(random, 0.08, () => ({ length: random.pick([0, 7, 8, 9, 19, 20, 21, 60, random.int(0, 65535)]) })),
    ...sometimes(random, 0.1, () => ({ checksum: random.pick(pool.words) })),
  })
}

function randomIcmp(random: Random) {
  return {
    type: random.pick([0, 3, 8, 11, 128, 129, 135, 255]),
    code: random.pick([0, 1, 3, 255]),
    ident: random.pick(pool.words),
    seq: random.pick(pool.words),
  }
}

function randomTcp(random: Random): Content {
  if (random.chance(0.3)) return randomSyn(random)
  return tcp({
    srcport: random.pick(pool.ports),
    dstport: random.pick(pool.ports),
    seq: random.pick(pool.longs),
    ack: random.pick(pool.longs),
    flags: random.pick(pool.flags),
    window: random.pick(pool.words),
    urgentPointer: random.pick(pool.words),
    ...sometimes(random, 0.65, () => ({ options: randomTcpOptions(random) })),
    ...sometimes(random, 0.05, () => ({ headerLength: 4 * random.int(0, 15) })),
  })
}

/** A SYN with options that belong together and a window that often is a multiple of something. */
function randomSyn(random: Random): Content {
  const size = random.pick([100, 512, 1448, 1460, 1440, 1428, 1480, 1500, 1520])
  return tcp({
    srcport: random.pick(pool.ports),
    dstport: random.pick(pool.ports),
    seq: random.weighted([80, 0x12345678], [20, 0]),
    ack: random.weighted([85, 0], [15, random.pick(pool.longs)]),
    flags: random.weighted([75, 0x02], [10, 0xc2], [5, 0x0a], [5, 0x22], [5, 0x2a]),
    window: random.chance(0.6) ? size * random.pick([1, 2, 4, 10, 44, 20]) : random.pick(pool.words),
    urgentPointer: random.weighted([85, 0], [15, random.pick(pool.words)]),
    options: damageOptions(random, Uint8Array.from(random.pick(pool.synOptions))),
  })
}

function damageOptions(random: Random, options: Uint8Array): Uint8Array {
  if (options.length === 0 || random.chance(0.7)) return options
  const damaged = options.slice(0, random.chance(0.3) ? random.int(0, options.length) : options.length)
  if (damaged.length > 0) damaged[random.int(0, damaged.length - 1)] = random.pick(pool.bytes)
  return damaged
}

function randomTcpOptions(random: Random): Uint8Array {
  const options = concat(...random.list(1, 7, () => randomTcpOption(random)))
  return options.slice(0, random.chance(0.05) ? random.int(0, 40) : 40)
}

function randomTcpOption(random: Random): Uint8Array {
  const word = (): number[] => [random.pick([0, 1, 5]), random.pick(pool.bytes)]
  const option = random.weighted<number[]>(
    [20, [1]],
    [18, [2, 4, ...word()]],
    [16, [3, 3, random.pick([0, 7, 14, 255])]],
    [14, [4, 2]],
    [18, [8, 10, ...word(), ...word(), ...word(), ...word()]],
    [3, [0]],
    [3, [random.pick([2, 3, 4, 8]), random.pick([2, 3, 4, 10]), ...word()]],
    [3, [random.pick([2, 3, 4, 5, 8, 254]), random.pick([0, 1, 2, 6, 40, 255]), ...word()]],
    [2, [5, 10, ...random.bytes(8)]],
    [2, [2]],
  )
  return Uint8Array.from(option)
}

function randomDns(random: Random): Content[] {
  const message = buildPacket(
    dns({
      id: random.pick(pool.words),
      flags: random.pick([0x0100, 0x8180, 0x2000, 0x0000, 0xffff]),
      questions: random.list(0, 2, (index) => ({
        name: index === 0 || random.chance(0.9) ? random.pick(pool.names) : 'second.example',
        type: random.pick(pool.queryTypes),
        class: random.pick([1, 3, 255]),
      })),
      ...sometimes(random, 0.06, () => ({ questionCount: random.pick(pool.words) })),
      ...sometimes(random, 0.2, () => ({ answerCount: random.pick(pool.words) })),
    }),
  )
  return [damageDns(random, message)]
}

function damageDns(random: Random, message: Uint8Array): Uint8Array {
  if (random.chance(0.8)) return message
  const broken = message.slice()
  const last = broken.length - 1
  if (last < 12 || random.chance(0.3)) return message.slice(0, random.int(0, message.length))
  if (random.chance(0.5)) broken[random.int(12, last)] = random.pick([0, 1, 63, 64, 0xc0, 0xff])
  else broken[12] = random.pick([0, 2, 5, 62, 63, 64, 0x80, 0xc0])
  return broken
}

function randomPayload(random: Random): Content[] {
  const texts = random.list(0, 4, () => raw(random.pick(pool.texts)))
  const filler = random.chance(0.06) ? [raw('B'.repeat(random.int(200, 1400)))] : []
  return random.chance(0.5) ? [...filler, ...texts] : [...texts, ...filler]
}
