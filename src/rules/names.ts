/** Values of number fields that have names, such as `ip.proto == udp`. Names are read without regard to case. */
import type { FieldName } from './fields.ts'

type Names = Readonly<Record<string, number>>

const protocols = {
  icmp: 1,
  igmp: 2,
  ipip: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  ipv6: 41,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  none: 59,
  ospf: 89,
  pim: 103,
  vrrp: 112,
  l2tp: 115,
  sctp: 132,
  udplite: 136,
} as const

const etherTypes = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd, mpls: 0x8847, pppoe: 0x8864, lldp: 0x88cc } as const

const queryTypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  TLSA: 52,
  SVCB: 64,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
} as const

const named = {
  'eth.type': etherTypes,
  'ip.proto': protocols,
  'ipv6.nxt': { hopopts: 0, ...protocols, routing: 43, fragment: 44, dstopts: 60 },
  'icmp.type': { echo_reply: 0, unreachable: 3, redirect: 5, echo: 8, time_exceeded: 11, parameter_problem: 12 },
  'icmpv6.type': {
    unreachable: 1,
    too_big: 2,
    time_exceeded: 3,
    parameter_problem: 4,
    echo: 128,
    echo_reply: 129,
    router_solicitation: 133,
    router_advertisement: 134,
    neighbor_solicitation: 135,
    neighbor_advertisement: 136,
    redirect: 137,
  },
  'dns.flags.opcode': { query: 0, iquery: 1, status: 2, notify: 4, update: 5 },
  'dns.qry.type': queryTypes,
  'dns.qry.class': { IN: 1, CH: 3, HS: 4, ANY: 255 },
} as const satisfies Partial<Record<FieldName, Names>>

/** Names of the values of a field. */
export type NamedValue<Name extends FieldName> = Name extends keyof typeof named
  ? Extract<keyof (typeof named)[Name], string>
  : never

/** Every field with named values. */
export const valueNames: Readonly<Partial<Record<FieldName, Names>>> = named

/** Letters of the TCP flags, as in tcpdump and Suricata: `tcp.flags == SA`. */
const flagLetters: Names = { F: 0x01, S: 0x02, R: 0x04, P: 0x08, A: 0x10, U: 0x20, E: 0x40, C: 0x80 }

/** The number that a word stands for in comparisons of a field, undefined if none. */
export function valueByName(field: FieldName, word: string): number | undefined {
  if (field === 'tcp.flags') return flagsByLetters(word)
  const wanted = word.toLowerCase()
  return Object.entries(valueNames[field] ?? {}).find(([name]) => name.toLowerCase() === wanted)?.[1]
}

/** The name under which a value of a field is printed, undefined if it has none. */
export function nameByValue(field: FieldName, value: number): string | undefined {
  return Object.entries(valueNames[field] ?? {}).find(([, named]) => named === value)?.[0]
}

function flagsByLetters(word: string): number | undefined {
  const letters = word.split('')
  if (new Set(letters).size !== letters.length) return undefined
  if (!letters.every((letter) => letter in flagLetters)) return undefined
  return letters.reduce((flags, letter) => flags | flagLetters[letter]!, 0)
}
