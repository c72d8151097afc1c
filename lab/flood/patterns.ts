import { buildPacket, dns, ethernet, ipv4, ipv6, type Layer, tcp, udp } from '../../src/net/build.ts'
import { parsePrefix } from '../../src/net/prefix.ts'
import type { Patch, Pattern } from './pattern.ts'

/** Where a flood goes: the two MAC addresses of the first hop and the victim's addresses. */
export interface Target {
  readonly srcMac: string
  readonly dstMac: string
  readonly ipv4: string
  readonly ipv6: string
  /** Zone of the DNS floods, without the final dot. */
  readonly zone: string
}

const IP = 14
const SRC4 = IP + 12
const L4 = IP + 20
const SRC6 = IP + 8
const L4_V6 = IP + 40
const DNS_NAME = L4 + 8 + 12

/** Any public-looking source: the first bytes of 16 large networks, the rest random. */
const ANYWHERE = [2, 5, 23, 31, 37, 46, 62, 78, 80, 91, 109, 151, 176, 185, 193, 212].map((byte) => byte * 2 ** 24)

/** The prefixes the bots of {@link dnsBotnet} live in; the demo's set file lists the same. */
export const BOTNET_PREFIXES = Array.from({ length: 16 }, (_, i) => `45.${128 + i}.${(i * 16) & 255}.0/20`)

const addressWord = (prefix: string): number => Number(parsePrefix(prefix).value)

function source4(bases: readonly number[], hostBits: number, checksums: Patch['checksums']): Patch {
  return { offset: SRC4, choices: bases, mask: 2 ** hostBits - 1, checksums }
}

const source6 = (): Patch[] => [
  word(SRC6, [0x2a000000, 0x2a010000, 0x26000000, 0x24000000], 0xffff),
  word(SRC6 + 12, [0], 0xffffffff),
]

function word(offset: number, choices: readonly number[], mask = 0): Patch {
  return { offset, choices, mask, checksums: 'l4' }
}

/** Both ports as one word. */
const ports = (src: number, dst: number): number => src * 65536 + dst

function frame(target: Target, ...layers: (Layer | Uint8Array | string)[]): Uint8Array {
  return buildPacket(ethernet({ src: target.srcMac, dst: target.dstMac }), ...layers)
}

/** Answers of abused servers (chargen, NTP, CLDAP, SSDP, memcached …), which the victim never asked for. */
function reflection(target: Target): Pattern {
  const services = [19, 123, 389, 1900, 3702, 5353, 11211, 17]
  return {
    name: 'reflection',
    weight: 10,
    template: frame(
      target,
      ipv4({ dst: target.ipv4 }),
      udp({ srcport: 19, dstport: 9 }),
      new Uint8Array(400).fill(0x61),
    ),
    patches: [
      source4(ANYWHERE, 24, 'both'),
      word(
        L4,
        services.map((port) => ports(port, 1024)),
        0xffff,
      ),
    ],
    ipChecksumAt: IP + 10,
    l4ChecksumAt: L4 + 6,
  }
}

/** Small datagrams with random ports from random sources. */
function junk(target: Target): Pattern {
  return {
    name: 'junk-udp',
    weight: 5,
    template: frame(target, ipv4({ dst: target.ipv4 }), udp({ dstport: 9 }), 'x'.repeat(26)),
    patches: [source4(ANYWHERE, 24, 'both'), word(L4, [ports(1024, 1024)], 0xffffffff)],
    ipChecksumAt: IP + 10,
    l4ChecksumAt: L4 + 6,
  }
}

/** The same over IPv6. */
function junk6(target: Target): Pattern {
  return {
    name: 'junk-udp6',
    weight: 4,
    template: frame(target, ipv6({ src: '2a00::', dst: target.ipv6 }), udp({ dstport: 9 }), 'x'.repeat(26)),
    patches: [...source6(), word(L4_V6, [ports(1024, 1024)], 0xffffffff)],
    l4ChecksumAt: L4_V6 + 6,
  }
}

/** Four random letters from a to p each. */
const letters = (offset: number): Patch => word(offset, [0x61616161], 0x0f0f0f0f)

/** Well-formed queries for names that do not exist. Identification and ports are as random as a resolver's. */
function query(name: string, target: Target, weight: number, source: Patch, labels: string, random: Patch[]): Pattern {
  const question = dns({ questions: [{ name: `${labels}.${target.zone}` }] })
  return {
    name,
    weight,
    template: frame(target, ipv4({ dst: target.ipv4 }), udp({ dstport: 53 }), question),
    patches: [source, word(L4, [ports(1024, 53)], 0xffff0000), word(L4 + 8, [0x0100], 0xffff0000), ...random],
    ipChecksumAt: IP + 10,
    l4ChecksumAt: L4 + 6,
  }
}

/** Hosts of a known botnet asking for one random label each: the queries look like anybody's, the sources do not. */
function dnsBotnet(target: Target): Pattern {
  const source = source4(BOTNET_PREFIXES.map(addressWord), 12, 'both')
  return query('dns-botnet', target, 40, source, 'aaaaaaaaa', [letters(DNS_NAME + 2), letters(DNS_NAME + 6)])
}

/** Random names below a random name, from everywhere, to get past every cache. */
function dnsRandomNames(target: Target): Pattern {
  const random = [letters(DNS_NAME + 2), letters(DNS_NAME + 6), letters(DNS_NAME + 12)]
  return query('dns-random', target, 35, source4(ANYWHERE, 24, 'both'), 'aaaaaaaaa.aaaaaaaaa', random)
}

/** Later fragments of datagrams whose beginning never comes: each takes memory until it times out. */
function fragments(target: Target): Pattern {
  return {
    name: 'fragments',
    weight: 2,
    template: frame(target, ipv4({ dst: target.ipv4, protocol: 17, flags: 1, fragmentOffset: 1480 }), 'f'.repeat(64)),
    patches: [source4(ANYWHERE, 24, 'ip'), { offset: IP + 4, choices: [0x20b9], mask: 0xffff0000, checksums: 'ip' }],
    ipChecksumAt: IP + 10,
  }
}

/** Bare connection requests from sources that do not exist, as most tools send them: without options. */
function syn(target: Target): Pattern {
  return {
    name: 'syn',
    weight: 4,
    template: frame(target, ipv4({ dst: target.ipv4 }), tcp({ dstport: 80, flags: 0x02, window: 1024 })),
    patches: [source4(ANYWHERE, 24, 'both'), ...synPatches(L4)],
    ipChecksumAt: IP + 10,
    l4ChecksumAt: L4 + 16,
  }
}

/** A port and a sequence number. */
const synPatches = (l4: number): Patch[] => [word(l4, [ports(1024, 80)], 0xffff0000), word(l4 + 4, [0], 0xffffffff)]

/** What Linux sends: MSS 1460, SACK, a timestamp, NOP, window scale 7. */
const LINUX_OPTIONS = Uint8Array.of(2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7)
const TIMESTAMP = 20 + 8

/** Requests as a real client's, but for their sources: no rule can tell them. */
function synLinux(target: Target): Pattern {
  const request = tcp({ dstport: 80, flags: 0x02, window: 64_240, options: LINUX_OPTIONS })
  return {
    name: 'syn-linux',
    weight: 2,
    template: frame(target, ipv4({ dst: target.ipv4 }), request),
    patches: [source4(ANYWHERE, 24, 'both'), ...synPatches(L4), word(L4 + TIMESTAMP, [0], 0xffffffff)],
    ipChecksumAt: IP + 10,
    l4ChecksumAt: L4 + 16,
  }
}

/** The same over IPv6. */
function synLinux6(target: Target): Pattern {
  const request = tcp({ dstport: 80, flags: 0x02, window: 64_800, options: LINUX_OPTIONS })
  return {
    name: 'syn-linux6',
    weight: 2,
    template: frame(target, ipv6({ src: '2a00::', dst: target.ipv6 }), request),
    patches: [...source6(), ...synPatches(L4_V6), word(L4_V6 + TIMESTAMP, [0], 0xffffffff)],
    l4ChecksumAt: L4_V6 + 16,
  }
}

/** Names of the patterns of a flood of SYNs. */
export const SYN_PATTERNS = ['syn-linux', 'syn-linux6']

/** Every pattern of the demo's attack. */
export function allPatterns(target: Target): Pattern[] {
  return [reflection, junk, junk6, dnsBotnet, dnsRandomNames, fragments, syn, synLinux, synLinux6].map((make) =>
    make(target),
  )
}
