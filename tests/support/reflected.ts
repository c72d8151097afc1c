import { parseAddress } from '../../src/net/address.ts'
import { buildPacket, type Content, concat, dns, ethernet, icmpv6, ipv4, ipv6, tcp, udp } from '../../src/net/build.ts'

/** The network card of the host that packets are for. */
export const HOST_MAC = '02:00:00:00:00:01'

interface Ends {
  readonly src?: string
  readonly fragmentOffset?: number
}

/** A UDP packet from a host of the internet. */
export function fromInternet(
  { src = '8.8.8.8', ...more }: Ends,
  ports: Parameters<typeof udp>[0],
  content: Content,
): Uint8Array {
  return buildPacket(ethernet({ dst: HOST_MAC }), network(src, more), udp({ dstport: 443, ...ports }), content)
}

const network = (src: string, more: Omit<Ends, 'src'> = {}): Content =>
  parseAddress(src).family === 4 ? ipv4({ src, dst: '198.51.100.1', ...more }) : ipv6({ src, dst: '2001:db8::2' })

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const latin = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))
const from = (srcport: number, content: Content): Uint8Array => fromInternet({}, { srcport }, content)

const question = (type: number, flags = 0x0100): Content => dns({ flags, questions: [{ name: 'example.com', type }] })
const answer = (type: number): Content => question(type, 0x8180)

/** What a reflector sends, and the rule of examples/config-bogons-and-reflectors.yaml that is for it. */
export const reflected: readonly { readonly rule: string; readonly packet: Uint8Array }[] = [
  { rule: 'reflector-echo', packet: from(7, 'echo') },
  { rule: 'reflector-qotd', packet: from(17, '"Time is an illusion."') },
  { rule: 'reflector-chargen', packet: from(19, '!"#$%&()*+,-./0123456789') },
  { rule: 'reflector-tftp', packet: from(69, hex('0003 0001')) },
  { rule: 'reflector-rpcbind', packet: from(111, hex('00000000 00000001 00000000')) },
  { rule: 'reflector-netbios', packet: from(137, hex('0000 8400 0000 0001 0000 0000')) },
  { rule: 'reflector-snmp', packet: fromInternet({ src: '2a00:1450::7' }, { srcport: 161 }, hex('3082 05d4 0201 01')) },
  { rule: 'reflector-cldap', packet: from(389, hex('3084 0000 0bc3 0201 07')) },
  { rule: 'reflector-slp', packet: from(427, hex('0202 0000')) },
  { rule: 'reflector-rip', packet: from(520, hex('0201 0000')) },
  { rule: 'reflector-ipmi', packet: from(623, hex('0600 ff07')) },
  { rule: 'reflector-ntp', packet: from(123, hex('d700 032a 0006 0048')) },
  { rule: 'reflector-ntp', packet: from(123, hex('9602 0001 0000 0000')) },
  { rule: 'reflector-dns-any', packet: from(53, answer(255)) },
  { rule: 'reflector-dns', packet: from(53, answer(1)) },
  { rule: 'reflector-fragments', packet: fromInternet({ fragmentOffset: 1480 }, {}, 'the rest of a large answer') },
  { rule: 'reflector-mssql', packet: from(1434, concat(hex('05 6a00'), latin('ServerName;SQL;InstanceName'))) },
  { rule: 'reflector-ard', packet: from(3283, new Uint8Array(1006)) },
  { rule: 'reflector-stun', packet: from(3478, hex('0101 0044 2112a442 000000000000000000000000')) },
  { rule: 'reflector-mdns', packet: from(5353, hex('0000 8400 0000 0004 0000 0003')) },
  { rule: 'reflector-coap', packet: from(5683, hex('6045 0001 c128 ff')) },
  { rule: 'reflector-ubiquiti', packet: from(10_001, hex('0100 00c3 02000a')) },
  { rule: 'reflector-memcached', packet: from(11_211, concat(hex('0000 0000 0001 0000'), latin('VALUE a 0 1048576'))) },
  { rule: 'reflector-memcached', packet: from(11_211, concat(hex('0000 0007 02ec 0000'), latin('aaaaaaaaaaaaaaaaa'))) },
  { rule: 'reflector-dvr', packet: from(37_810, concat(hex('20000000'), latin('DHIP{"mac":"00"}'))) },
  { rule: 'reflector-ssdp', packet: from(50_123, 'HTTP/1.1 200 OK\r\nST: upnp:rootdevice') },
  { rule: 'reflector-plex', packet: from(32_414, 'HTTP/1.0 200 OK\r\nContent-Type: plex/media-server') },
  { rule: 'reflector-ws-discovery', packet: from(3702, '<?xml version="1.0"?><soap:Envelope xmlns:soap="http') },
  { rule: 'reflector-jenkins', packet: from(33_848, '<hudson><version>2.0</version></hudson>') },
  {
    rule: 'reflector-quake',
    packet: from(27_960, concat(hex('ffffffff'), latin('statusResponse\n\\mapname\\q3dm17'))),
  },
  { rule: 'reflector-steam', packet: from(27_015, concat(hex('ffffffff 49 11'), latin('A server\0'))) },
  { rule: 'reflector-bittorrent', packet: from(6881, 'd1:rd2:id20:abcdefghij0123456789e1:t2:aa1:y1:re') },
]

/** A QUIC Initial packet: what a web server gets. */
const quic = hex('c0 00000001 08 83 94c8f03e515708 00 00 44d0 1a2b3c4d5e6f')

/** What has to get through. */
export const harmless: readonly { readonly name: string; readonly packet: Uint8Array }[] = [
  { name: 'a web client', packet: fromInternet({}, { srcport: 51_000 }, quic) },
  ...[3283, 3478, 5353, 5683, 10_001, 11_211, 27_015, 32_414, 37_810].map((srcport) => ({
    name: `a web client whose port is ${srcport} by chance`,
    packet: from(srcport, quic),
  })),
  { name: 'the answer of a time server', packet: from(123, concat(hex('24 02 06 e8'), new Uint8Array(44))) },
  {
    name: 'a question',
    packet: fromInternet({}, { srcport: 5000, dstport: 53 }, question(255)),
  },
  {
    name: 'TCP from a port of reflectors',
    packet: buildPacket(ethernet({ dst: HOST_MAC }), network('8.8.8.8'), tcp({ srcport: 389, dstport: 443 })),
  },
  {
    name: 'neighbour discovery',
    packet: buildPacket(
      ethernet({ dst: HOST_MAC }),
      ipv6({ src: 'fe80::1', dst: '2001:db8::2', hopLimit: 255 }),
      icmpv6({ type: 135 }),
      new Uint8Array(16),
    ),
  },
]
