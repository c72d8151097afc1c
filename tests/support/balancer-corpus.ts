/** Packets of every kind that the balancer tells apart, for the services of {@link corpusServices}; and what ruins them. */
import {
  buildPacket,
  type Content,
  concat,
  ethernet,
  extension,
  fragment,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  tcp,
  udp,
  vlan,
} from '../../src/net/build.ts'
import type { Random } from '../arbitraries/random.ts'
import { GUE_PORT, type PlaneService, SELF4, SELF6 } from './balancer-plane.ts'

type Family = 4 | 6

export const corpusServices: readonly PlaneService[] = [
  { address: '192.0.2.1', port: 80, protocol: 'tcp', index: 1 },
  { address: '192.0.2.1', port: 443, protocol: 'udp', index: 2, quic: true, gue: true },
  { address: '192.0.2.2', protocol: 'udp', index: 3, fragments: true, pool: 1 },
  { address: '192.0.2.64', length: 26, protocol: 'tcp', index: 4, gue: true, pool: 1 },
  { address: '2001:db8::1', port: 80, protocol: 'tcp', index: 5 },
  { address: '2001:db8::1', port: 443, protocol: 'udp', index: 6, quic: true },
  { address: '2001:db8::2', protocol: 'udp', index: 7, fragments: true, pool: 1 },
  { address: '2001:db8:64::', length: 48, protocol: 'tcp', index: 8, gue: true, pool: 1 },
]

/** A destination, and a port and protocol that have a service there; some have none. */
interface Target {
  readonly dst: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
}

const TARGETS: Readonly<Record<Family, readonly Target[]>> = {
  4: [
    { dst: '192.0.2.1', protocol: 'tcp', port: 80 },
    { dst: '192.0.2.1', protocol: 'udp', port: 443 },
    { dst: '192.0.2.2', protocol: 'udp', port: 53 },
    { dst: '192.0.2.77', protocol: 'tcp', port: 8080 },
    { dst: '192.0.2.200', protocol: 'tcp', port: 80 },
  ],
  6: [
    { dst: '2001:db8::1', protocol: 'tcp', port: 80 },
    { dst: '2001:db8::1', protocol: 'udp', port: 443 },
    { dst: '2001:db8::2', protocol: 'udp', port: 53 },
    { dst: '2001:db8:64::9', protocol: 'tcp', port: 8080 },
    { dst: '2001:db8:ffff::1', protocol: 'udp', port: 443 },
  ],
}
const PEER: Readonly<Record<Family, string>> = { 4: '10.9.0.1', 6: '2001:db8:9::1' }
const SELF: Readonly<Record<Family, string>> = { 4: SELF4, 6: SELF6 }

const network = (family: Family, src: string, dst: string, random: Random, more: object = {}): Content =>
  family === 4
    ? ipv4({ src, dst, tos: random.int(0, 255), flags: random.pick([0, 2]), id: random.int(0, 3), ...more })
    : ipv6({ src, dst, trafficClass: random.int(0, 255), flow: random.int(0, 0xfffff), ...more })

const client = (family: Family, random: Random): string =>
  family === 4 ? `198.51.100.${random.int(1, 254)}` : `2001:db8:7::${random.int(1, 9999).toString(16)}`

const payload = (random: Random): Uint8Array =>
  random.bytes(random.weighted([70, random.int(0, 200)], [20, random.int(1380, 1500)], [10, 0]))

/** To the target, or, turned round, from it. */
function transport({ protocol, port }: Target, random: Random, reversed = false): readonly Content[] {
  const other = random.int(1024, 65_535)
  const ports = reversed ? { srcport: port, dstport: other } : { srcport: other, dstport: port }
  if (protocol === 'udp') return [udp(ports), random.chance(0.6) ? quicPacket(random) : payload(random)]
  const flags = random.pick([0x02, 0x10, 0x18, 0x11, 0x04, 0x12])
  const options = random.chance(0.3) ? { options: new Uint8Array(random.pick([4, 12, 40])).fill(1) } : {}
  return [tcp({ ...ports, flags, ...options }), payload(random)]
}

/** Of a long or short header, with an id that may name a server. */
export function quicPacket(random: Random): Uint8Array {
  const length = random.weighted<number>([60, 6], [20, random.int(6, 19)], [20, random.int(0, 31)])
  const id = concat(Uint8Array.of(length, 0, random.int(0, 8)), random.bytes(Math.max(0, length - 2)))
  if (random.chance(0.5)) return concat(Uint8Array.of(0x40 | random.int(0, 63)), id, random.bytes(30))
  const long = Uint8Array.of(0xc0 | random.int(0, 63), 0, 0, 0, 1, id.length)
  return concat(long, id, random.bytes(40))
}

/** An error about what a service sent to a client. */
function errorAbout(family: Family, target: Target, to: string, random: Random): readonly Content[] {
  const whole = buildPacket(network(family, target.dst, to, random), ...transport(target, random, true))
  const quoted = whole.subarray(0, random.int(family === 4 ? 24 : 44, 200))
  if (family === 4) return [icmp({ type: random.pick([3, 11, 12, 3, 8]), code: random.int(0, 4) }), quoted]
  return [icmpv6({ type: random.pick([1, 2, 3, 4, 128]), code: random.int(0, 3) }), quoted]
}

const extensions = (random: Random): Content[] =>
  random.chance(0.6)
    ? []
    : random.list(1, 8, () => {
        const kind = random.pick([0, 43, 60, 51])
        return extension(kind, { body: new Uint8Array(kind === 51 ? 14 : random.pick([6, 14, 30])) })
      })

function fragmentOf(family: Family, src: string, dst: string, random: Random): readonly Content[] {
  const [later, more] = [random.chance(0.5), random.chance(0.5)]
  const protocol = random.pick([17, 17, 6])
  const body = random.bytes(random.int(8, 40) * 8)
  if (family === 4) {
    const offset = later ? 8 * random.int(1, 100) : 0
    return [network(4, src, dst, random, { flags: more ? 1 : 0, fragmentOffset: offset, protocol }), body]
  }
  return [
    network(6, src, dst, random),
    fragment({ offset: later ? 8 * random.int(1, 100) : 0, more, nextHeader: protocol }),
    body,
  ]
}

/** An IP packet as a client or a router would send it. */
export function innerPacket(family: Family, random: Random): readonly Content[] {
  const [src, target] = [client(family, random), random.pick(TARGETS[family])]
  const { dst } = target
  const kind = random.weighted<'flow' | 'error' | 'fragment'>([70, 'flow'], [15, 'error'], [15, 'fragment'])
  if (kind === 'fragment') return fragmentOf(family, src, dst, random)
  if (kind === 'error') return [network(family, src, dst, random), ...errorAbout(family, target, src, random)]
  if (family === 6) return [network(6, src, dst, random), ...extensions(random), ...transport(target, random)]
  const options = random.chance(0.15) ? { options: new Uint8Array(random.pick([4, 20, 40])).fill(1) } : {}
  return [network(4, src, dst, random, options), ...transport(target, random)]
}

/** GUE as balancers send it, with no hop, one or more. */
export function gueHeader(protocol: number, hops: number): Uint8Array {
  const header = new Uint8Array(8 + hops * 4)
  header.set([1 + hops, protocol, 0, 0, 0, 0, 0, hops])
  return header
}

/** To this machine from another one. */
export function tunnelled(inner: Uint8Array, outer: Family, random: Random): readonly Content[] {
  const protocol = inner[0]! >> 4 === 4 ? 4 : 41
  const mark = random.chance(0.3)
  const more = outer === 4 ? { id: mark ? 1 : 0, flags: 2 } : { flow: mark ? 0x80000 : 0 }
  const carrier = (carried: number): Content =>
    network(
      outer,
      PEER[outer],
      SELF[outer],
      random,
      outer === 4 ? { ...more, protocol: carried } : { ...more, nextHeader: carried },
    )
  if (random.chance(0.5)) return [carrier(protocol), inner]
  const ports = { srcport: random.int(49_152, 65_535), dstport: GUE_PORT, checksum: 0 }
  return [carrier(17), udp(ports), gueHeader(protocol, random.int(0, 3)), inner]
}

const tags = (random: Random): Content[] =>
  random.weighted<Content[]>(
    [80, []],
    [12, [vlan({ id: 7 })]],
    [8, [vlan({ id: 6, tag: 0x88a8 }), vlan({ id: 7, priority: 3 })]],
  )

const link = (family: Family, more: Content[]): readonly Content[] => {
  const type = family === 4 ? 0x0800 : 0x86dd
  const macs = { src: '02:00:00:00:00:11', dst: '02:00:00:00:00:bb' }
  return more.length === 0 ? [ethernet({ ...macs, type })] : [ethernet(macs), ...more]
}

/** A good frame. */
export function goodFrame(random: Random): Uint8Array {
  const family = random.pick([4, 6] as const)
  const contents = innerPacket(family, random)
  if (random.chance(0.55)) return padded(buildPacket(...link(family, tags(random)), ...contents), random)
  const outer = random.pick([4, 6] as const)
  const carried = tunnelled(buildPacket(...contents), outer, random)
  return padded(buildPacket(...link(outer, tags(random)), ...carried), random)
}

/** Short frames are padded by the sender's network card. */
const padded = (frame: Uint8Array, random: Random): Uint8Array =>
  frame.length < 60 && random.chance(0.5) ? concat(frame, new Uint8Array(60 - frame.length)) : frame
