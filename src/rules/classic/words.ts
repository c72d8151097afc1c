import { closest } from '../suggest.ts'
import { ClassicError } from './error.ts'

/** Words of pcap-filter(7) that mean something on Ethernet. */
export const keywords: ReadonlySet<string> = new Set(
  `aarp ah and arp atalk broadcast byte carp clnp csnp decnet dst es-is esis esp ether geneve greater host icmp icmp-echo icmp-echoreply
  icmp-ireq icmp-ireqreply icmp-maskreply icmp-maskreq icmp-paramprob icmp-redirect icmp-routeradvert icmp-routersolicit
  icmp-sourcequench icmp-timxceed icmp-tstamp icmp-tstampreply icmp-unreach icmp6 icmp6-destinationunreach icmp6-echo icmp6-echoreply
  icmp6-multicastlistenerdone icmp6-multicastlistenerquery icmp6-multicastlistenerreportv1 icmp6-multicastlistenerreportv2
  icmp6-neighboradvert icmp6-neighborsolicit icmp6-packettoobig icmp6-parameterproblem icmp6-redirect icmp6-routeradvert
  icmp6-routersolicit icmp6-timeexceeded icmp6code icmp6type icmpcode icmptype igmp igrp iih inbound ip ip6 ipx is-is isis iso l1 l2
  lat len length less link llc lsp mask moprc mopdl mpls multicast net netbeui not or outbound pim port portrange pppoed pppoes
  proto protochain psnp radio rarp rnr rset sca sctp snp src srnr stp tcp tcp-ack tcp-cwr tcp-ece tcp-fin tcp-push tcp-rst tcp-syn
  tcp-urg tcpflags type udp vlan vrrp`.split(/\s+/),
)

/** Words behind which libpcap looks a name up in a table or a file of the machine's, and not at a server. */
const local: ReadonlySet<string> = new Set(['llc', 'port', 'portrange', 'proto', 'protochain'])
/** These do not change what the words before them say about names to come: `port http or https`. */
const joining: ReadonlySet<string> = new Set(['and', 'or', 'not'])

/** Numbers and addresses: `53`, `0x35`, `80-90`, `10.1.2.0`, anything with a colon, and the other ways to write a MAC address. */
const literal =
  /^(\d+|0x[0-9a-f]+|\d+-\d+|\d+(\.\d+){1,3}|[0-9a-f.]*:[0-9a-f:.]*|[0-9a-f]{1,2}([-.][0-9a-f]{1,2}){5}|[0-9a-f]{4}(\.[0-9a-f]{4}){2}|[0-9a-f]{12}|\$[0-9a-f]{1,2})$/i

/**
 * Refuses words that libpcap would take for the name of a host or network, and ask name servers about: what a rule means must not depend on
 * them, nor loading it wait for them. A misspelt keyword is such a word, too.
 *
 * @throws ClassicError `PCAP_TEXT`
 */
export function refuseNames(text: string): void {
  let names = false
  for (const { 0: word, index } of text.matchAll(/\\?[\w$:][\w$:.-]*/g)) {
    const known = keywords.has(word)
    if (known && !joining.has(word)) names = local.has(word)
    if (known || names || literal.test(word)) continue
    const near = closest(word, keywords)
    const suggestion =
      near === undefined ? 'write addresses, as a rule must not depend on name servers' : `did you mean "${near}"?`
    throw new ClassicError('PCAP_TEXT', `Unknown word "${word}" in a pcap expression`, {
      at: { offset: index, length: word.length },
      suggestion,
    })
  }
}
