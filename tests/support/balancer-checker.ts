/** Whether what the balancer made of a frame is right, whatever the frame was: by reading both, with nothing of Seawall's own code. */
import {
  type Inner,
  type IpHeader,
  type Link,
  onesComplementSum,
  readInner,
  readIp,
  readLink,
  wordAt,
} from './balancer-reader.ts'

export interface World {
  /** As `IpHeader` has addresses. */
  readonly self: readonly string[]
  readonly backends: readonly string[]
  readonly nextHop: string
  readonly ownMac: string
  readonly guePort: number
  /** Longest IP packet to a backend. */
  readonly mtu: number
}

const [DROP, PASS, TX] = [1, 2, 3]
const QUOTE = 512
const CE = 3

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

type Complain = (complaint: string) => void

/** What is wrong with the output; nothing if it is empty. */
export function findFaults(world: World, before: Uint8Array, verdict: number, after: Uint8Array): string[] {
  const faults: string[] = []
  const complain: Complain = (complaint) => faults.push(complaint)
  if (verdict === PASS) checkPassed(world, before, after, complain)
  else if (verdict === TX) checkSent(world, before, after, complain)
  else if (verdict !== DROP) complain(`its verdict is ${verdict}`)
  return faults
}

/** What a frame has in it for this machine: the inner packet of a tunnel that ends here, or the packet itself. */
function subject(
  world: World,
  frame: Uint8Array,
): { readonly link: Link; readonly at: number; readonly inner?: Inner } | undefined {
  const link = readLink(frame)
  if (link === undefined) return undefined
  const inner = readInner(frame, link.length, world.guePort)
  if (inner === undefined || !world.self.includes(inner.outer.dst)) return { link, at: link.length }
  return { link, at: inner.offset, inner }
}

function checkPassed(world: World, before: Uint8Array, after: Uint8Array, complain: Complain): void {
  if (same(before, after)) return
  const input = subject(world, before)
  const link = readLink(after)
  if (input?.inner === undefined || link === undefined) return complain('it was changed, and is for no tunnel')
  const type = input.inner.packet[0]! >> 4 === 4 ? 0x0800 : 0x86dd
  if (link.type !== type) complain(`its EtherType is ${link.type}`)
  if (link.dst !== input.link.dst || link.src !== input.link.src || link.tags !== input.link.tags)
    complain('its link header is another one')
  const packet = after.subarray(link.length)
  const header = readIp(packet)
  if (header === undefined) return complain('it is no IP packet')
  if (header.length > input.inner.packet.length) complain('it is longer than what carried it')
  if (input.inner.outer.length > before.length - input.link.length) complain('it came out of a packet that was cut')
  sameButEcn(packet, input.inner, complain)
}

/** ECN may have been merged, and the checksum with it. */
function sameButEcn(packet: Uint8Array, { packet: inner, outer }: Inner, complain: Complain): void {
  const wanted = Uint8Array.from(inner)
  const is = Uint8Array.from(packet.subarray(0, inner.length))
  const four = is[0]! >> 4 === 4
  const [ecn, was] = [readIp(is)!.tos & CE, readIp(wanted)?.tos ?? 0]
  const merged = (was & CE) === 0 ? 0 : mergeEcn(was & CE, outer.tos & CE)
  if (ecn !== merged) complain(`its ECN is ${ecn}, wanted ${merged}`)
  if ((was & CE) === 0 && (outer.tos & CE) === CE) complain('congestion was forgotten')
  const rightBefore = readIp(wanted)?.checksumIsRight
  if (rightBefore && !readIp(is)!.checksumIsRight) complain('its header checksum is wrong')
  for (const bytes of [wanted, is]) {
    if (four) {
      bytes[1]! &= 0xfc
      if (ecn !== (was & CE)) bytes.fill(0, 10, 12)
    } else bytes[1]! &= 0xcf
  }
  if (!same(is, wanted)) complain('it is not what was in the tunnel')
}

/** RFC 6040, figure 4, for inner packets of transports that know ECN. */
function mergeEcn(inner: number, outer: number): number {
  if (inner === CE || outer === CE) return CE
  return outer === 1 ? 1 : inner
}

function checkSent(world: World, before: Uint8Array, after: Uint8Array, complain: Complain): void {
  const input = subject(world, before)
  const link = readLink(after)
  if (input === undefined || link === undefined) return complain('it was sent, and is no packet')
  if (link.tags !== input.link.tags) complain(`its tags are ${link.tags}, wanted ${input.link.tags}`)
  const output = readInner(after, link.length, world.guePort)
  if (output === undefined || !world.backends.includes(output.outer.dst))
    return checkAnswer(world, before, after, { input: input.link, link }, complain)
  if (link.dst !== world.nextHop || link.src !== world.ownMac) complain('its link addresses are wrong')
  if (link.type !== (output.outer.version === 4 ? 0x0800 : 0x86dd)) complain(`its EtherType is ${link.type}`)
  checkOuter(world, after.length - link.length, output, complain)
  checkGue(output, complain)
  checkInner(before, input.at, output, complain)
  // An owner itself may send what it does not know on as the last hop too.
  if (input.inner !== undefined && !isLastHop(output.outer)) complain('it is not marked as the last hop')
  const tos = readIp(output.packet)?.tos ?? 0
  const ecn = input.inner ? mergedFor(tos & CE, input.inner.outer.tos & CE) : tos & CE
  if (output.outer.tos !== ((tos & 0xfc) | ecn)) complain(`its outer ToS is ${output.outer.tos}, the inner one ${tos}`)
}

const mergedFor = (inner: number, outer: number): number => (inner === 0 ? 0 : mergeEcn(inner, outer))

export const isLastHop = ({ version, id, flowLabel }: IpHeader): boolean =>
  version === 4 ? id === 1 : (flowLabel & 0x80000) !== 0

function checkOuter(world: World, room: number, { outer }: Inner, complain: Complain): void {
  if (!outer.checksumIsRight) complain('its outer checksum is wrong')
  if (outer.ttl !== 64) complain(`its outer TTL is ${outer.ttl}`)
  if (outer.length > room) complain(`its outer length is ${outer.length}, of ${room}`)
  if (outer.length > world.mtu) complain(`its outer length is ${outer.length}, more than ${world.mtu}`)
  if (!world.self.includes(outer.src)) complain(`its outer source is ${outer.src}`)
  if (outer.version === 4 && (outer.flags !== 2 || outer.fragmentOffset !== 0)) complain('it does not say DF alone')
  if (outer.version === 4 && outer.id > 1) complain(`its identification is ${outer.id}`)
  if (outer.headerLength !== (outer.version === 4 ? 20 : 40)) complain('its outer header has options')
}

function checkGue({ outer, gue, packet }: Inner, complain: Complain): void {
  const protocol = gue ? gue.header[1]! : outer.protocol
  if (protocol !== (packet[0]! >> 4 === 4 ? 4 : 41)) complain(`its protocol is ${protocol}`)
  if (gue === undefined) return
  const { header, srcport, checksum, length } = gue
  const words = header[0]!
  if (words !== 1 && words !== 2) complain(`its GUE header begins with ${words}`)
  if (header.length !== 4 + words * 4 || wordAt(header, 2) !== 0 || wordAt(header, 4) !== 0)
    complain('its GUE header is wrong')
  if (header[6] !== 0 || header[7] !== words - 1) complain(`its hop is ${header[6]} of ${header[7]}`)
  if (srcport < 49_152 || checksum !== 0) complain(`its UDP source port is ${srcport}, its checksum ${checksum}`)
  if (length !== outer.length - outer.headerLength) complain(`its UDP length is ${length}`)
}

/** Byte by byte what it was. */
function checkInner(before: Uint8Array, at: number, { packet }: Inner, complain: Complain): void {
  const header = readIp(packet)
  if (header === undefined) return complain('its inner packet is none')
  if (header.length !== packet.length)
    complain(`its inner packet has ${packet.length} bytes, and says ${header.length}`)
  if (!same(packet, before.subarray(at, at + packet.length))) complain('its inner packet was changed')
}

interface Links {
  readonly input: Link
  readonly link: Link
}

/** An ICMP answer to a packet that is too long. */
function checkAnswer(
  world: World,
  before: Uint8Array,
  after: Uint8Array,
  { input, link }: Links,
  complain: Complain,
): void {
  const packet = after.subarray(link.length)
  const [answer, asked] = [readIp(packet), readIp(before.subarray(input.length))]
  if (answer === undefined || asked === undefined) return complain('it is neither encapsulated nor an answer')
  const icmp = packet.subarray(answer.headerLength, answer.length)
  const four = answer.version === 4
  if (link.dst !== input.src || link.src !== input.dst || link.type !== input.type)
    complain('its link header is not turned round')
  if (answer.src !== asked.dst || answer.dst !== asked.src || answer.ttl !== 64)
    complain('its addresses are not turned round')
  if (!answer.checksumIsRight || answer.length !== packet.length) complain('its header is wrong')
  if (answer.protocol !== (four ? 1 : 58) || wordAt(icmp, 0) !== (four ? 0x0304 : 0x0200))
    complain('it is another message')
  const pseudo = four ? 0 : onesComplementSum(packet.subarray(8, 40), icmp.length + 58)
  if (onesComplementSum(icmp, pseudo) !== 0xffff) complain('its ICMP checksum is wrong')
  if (!same(icmp.subarray(8), before.subarray(input.length, input.length + QUOTE))) complain('it quotes something else')
  const mtu = wordAt(icmp, 6)
  if (mtu >= asked.length || mtu < world.mtu - 60 || mtu > world.mtu - 20)
    complain(`it says ${mtu} for ${asked.length}`)
  if (four && (asked.flags & 2) === 0) complain('it answers what may be fragmented')
}
