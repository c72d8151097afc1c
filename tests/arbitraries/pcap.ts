/** Random tcpdump expressions; most are meant for Ethernet, some of them libpcap refuses. */

import { parseAddress } from '../../src/net/address.ts'
import { formatPrefix, prefixOf } from '../../src/net/prefix.ts'
import { pool } from './pool.ts'
import type { Random } from './random.ts'

const protocols = ['ether', 'ip', 'ip6', 'arp', 'tcp', 'udp', 'icmp', 'icmp6', 'sctp', 'igmp'] as const
const relations = ['<', '>', '<=', '>=', '=', '==', '!='] as const

/** An expression of so many levels at most. */
export function randomPcap(random: Random, depth = random.int(0, 3)): string {
  if (depth === 0) return primitive(random)
  const part = () => randomPcap(random, depth - 1)
  return random.weighted<() => string>(
    [30, () => `${part()} and ${part()}`],
    [30, () => `${part()} or ${part()}`],
    [10, () => `not (${part()})`],
    [20, () => `(${part()}) ${random.pick(['and', 'or', '&&', '||'])} (${part()})`],
    [10, part],
  )()
}

function primitive(random: Random): string {
  return random.weighted<() => string>(
    [16, () => host(random)],
    [10, () => net(random)],
    [16, () => port(random)],
    [10, () => ether(random)],
    [10, () => protocol(random)],
    [10, () => shim(random)],
    [4, () => `${random.pick(['less', 'greater'])} ${length(random)}`],
    [24, () => comparison(random)],
    [6, () => `${random.pick(['', 'not '])}${random.pick(protocols.slice(1))}`],
    [6, () => named(random)],
  )()
}

const direction = (random: Random): string => random.pick(['', '', 'src ', 'dst ', 'src or dst ', 'src and dst '])

const host = (random: Random): string =>
  random.chance(0.6)
    ? `${random.pick(['', 'ip ', 'arp '])}${direction(random)}host ${random.pick(pool.ipv4)}`
    : `${random.pick(['', 'ip6 '])}${direction(random)}host ${random.pick(pool.ipv6)}`

function net(random: Random): string {
  const [address, lengths] = random.chance(0.6)
    ? ([random.pick(pool.ipv4), pool.lengths4] as const)
    : ([random.pick(pool.ipv6), pool.lengths6] as const)
  return `${direction(random)}net ${formatPrefix(prefixOf(parseAddress(address), random.pick(lengths)))}`
}

function port(random: Random): string {
  const prefix = `${random.pick(['', '', 'tcp ', 'udp ', 'sctp ', 'ip6 '])}${direction(random)}`
  if (random.chance(0.7)) return `${prefix}port ${random.pick(pool.ports)}`
  const ends = [random.pick(pool.ports), random.pick(pool.ports)]
  return `${prefix}portrange ${Math.min(...ends)}-${Math.max(...ends)}`
}

const ether = (random: Random): string =>
  random.pick([
    `ether ${direction(random)}host ${random.pick(pool.macs)}`,
    `ether proto ${random.pick(pool.etherTypes)}`,
    `ether[${random.int(0, 14)}] & ${random.pick(pool.bytes)} != 0`,
    'ether broadcast',
    'ether multicast',
    'ip multicast',
    'ip6 multicast',
  ])

const protocol = (random: Random): string =>
  random.pick([
    `${random.pick(['ip', 'ip6'])} proto ${random.pick(pool.protocols)}`,
    `proto ${random.pick(pool.protocols)}`,
    `${random.pick(['ip', 'ip6'])} proto \\${random.pick(['tcp', 'udp', 'icmp'])}`,
  ])

/** What shifts the offsets of all that follows. */
const shim = (random: Random): string =>
  random.weighted(
    [60, `vlan${random.chance(0.5) ? ` ${random.pick(pool.vlans)}` : ''}`],
    [10, `mpls ${random.int(0, 100)}`],
    [10, 'mpls'],
    [10, 'pppoes'],
    [5, 'pppoed'],
    [5, 'llc'],
    [5, 'geneve'],
  )

const named = (random: Random): string =>
  random.pick([
    'tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn',
    'tcp[tcpflags] & (tcp-fin|tcp-rst|tcp-push|tcp-urg) != 0',
    'icmp[icmptype] == icmp-echo',
    'icmp[icmptype] != icmp-unreach and icmp[icmpcode] < 3',
    'icmp6[icmp6type] == icmp6-neighborsolicit',
    'port domain or http',
    'tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)',
    'ip[6:2] & 0x1fff != 0',
    'tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420',
  ])

const comparison = (random: Random): string =>
  `${arithmetic(random, 2)} ${random.pick(relations)} ${arithmetic(random, random.int(0, 1))}`

const length = (random: Random): number => random.pick([0, 13, 14, 60, 64, random.int(14, 200), 1514])

function arithmetic(random: Random, depth: number): string {
  const part = () => arithmetic(random, depth - 1)
  if (depth === 0)
    return random.weighted<() => string>(
      [50, () => number(random)],
      [40, () => accessor(random, '')],
      [10, () => 'len'],
    )()
  return random.weighted<() => string>(
    [30, () => accessor(random, `${part()}`)],
    [12, () => `(${part()} ${random.pick(['+', '-', '*', '/', '%', '&', '|', '^'])} ${part()})`],
    [14, () => `(${part()} & ${random.pick([1, 0xf, 0xf0, 0xff, 0xff00, 0x1fff])})`],
    [8, () => `(${part()} ${random.pick(['<<', '>>'])} ${random.chance(0.9) ? random.int(0, 31) : part()})`],
    [4, () => `-${part()}`],
    [20, part],
  )()
}

const number = (random: Random): string =>
  String(random.pick([...pool.bytes, ...pool.words, ...pool.longs, random.int(0, 100)]))

/** `tcp[13]`, `ip[2:2]`, and with an index that is computed. */
function accessor(random: Random, computed: string): string {
  const index = random.weighted<() => string>(
    [60, () => String(random.int(0, 40))],
    [6, () => String(random.pick([100, 1500, 65535, 70000, 0x7fffffff]))],
    [computed === '' ? 0 : 20, () => `(${computed}) & 0x3f`],
    [computed === '' ? 0 : 14, () => computed],
  )()
  return `${random.pick(protocols)}[${index}${random.pick(['', '', ':1', ':2', ':4'])}]`
}
