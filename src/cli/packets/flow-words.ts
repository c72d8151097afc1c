import { type Address, formatAddress, tryParseAddress } from '../../net/address.ts'
import { buildPacket, ethernet, ipv4, ipv6, type Layer, tcp, udp } from '../../net/build.ts'
import { usageError } from '../exit-codes.ts'

const WANTED = 'tcp|udp SOURCE:PORT DESTINATION:PORT, such as tcp 203.0.113.7:40000 192.0.2.53:443'

/** Whether packets are told by protocol and ends rather than by bytes. */
export function areFlowWords(words: readonly string[]): boolean {
  return words.length > 1 && /^(tcp|udp)$/i.test(words[0]!)
}

/**
 * Builds a packet from its protocol and its ends, IPv6 addresses in brackets: of TCP a SYN, or with `ack` at the end a segment of an
 * established connection.
 *
 * @throws SeawallError SEAWALL_INPUT for anything else.
 */
export function packetOfWords(words: readonly string[]): Uint8Array {
  const [protocol = '', from = '', to = '', ...rest] = words.map((word) => word.toLowerCase())
  if (to === '')
    throw usageError(`Cannot read packet "${words.join(' ')}": found ${words.length} words, wanted ${WANTED}`)
  const flags = flagsOf(protocol, rest)
  const [source, destination] = [parseEnd(from), parseEnd(to)]
  if (source.address.family !== destination.address.family) {
    throw usageError(`Cannot read packet "${words.join(' ')}": found IPv4 and IPv6, wanted ends of one family`)
  }
  const ports = { srcport: source.port, dstport: destination.port }
  const transport = protocol === 'tcp' ? tcp({ ...ports, flags }) : udp(ports)
  return buildPacket(ethernet(), network(source.address, destination.address), transport)
}

const SYN = 0x02
const ACK = 0x10

function flagsOf(protocol: string, rest: readonly string[]): number {
  if (rest.length === 0) return SYN
  if (protocol === 'tcp' && rest.length === 1 && (rest[0] === 'syn' || rest[0] === 'ack')) {
    return rest[0] === 'syn' ? SYN : ACK
  }
  const wanted = protocol === 'tcp' ? 'syn or ack, or nothing' : 'nothing'
  throw usageError(`Cannot read packet: found "${rest.join(' ')}" behind its ends, wanted ${wanted}`)
}

function network(from: Address, to: Address): Layer {
  const ends = { src: formatAddress(from), dst: formatAddress(to) }
  return from.family === 4 ? ipv4(ends) : ipv6(ends)
}

interface End {
  readonly address: Address
  readonly port: number
}

/** `192.0.2.1:53` or `[2001:db8::1]:53` */
function parseEnd(text: string): End {
  const [, v6, v4, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const address = tryParseAddress(v6 ?? v4 ?? '')
  const port = Number(digits)
  if (address !== undefined && address.family === (v6 === undefined ? 4 : 6) && port <= 65_535) return { address, port }
  throw usageError(
    `Cannot read "${text}": wanted address and port, such as 192.0.2.1:53 or [2001:db8::1]:53 (IPv6 in brackets)`,
  )
}
