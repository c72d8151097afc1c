import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { ipBatch } from '../../src/linux/interface.ts'
import { createNetns, removeNetns } from '../../src/linux/netns.ts'
import { ended, start } from '../../src/linux/process.ts'
import { writeSysctl } from '../../src/linux/sysctl.ts'
import { buildPacket, type Content, ethernet, icmp, icmpv6, ipv4, ipv6, tcp, udp } from '../../src/net/build.ts'
import { Plane, type PlaneBackend, type PlaneService, SELF4, Verdict } from '../support/balancer-plane.ts'
import { PacketSocket } from '../support/packet-socket.ts'
import { isSynAck, readSynAck } from './firewall-syn-cookies-reply.ts'

// A bucket in transition: what this machine has a socket for stays, everything else goes to the owner before.

const netns = `seawall-plane-sockets-${process.pid}`
const [TCP_PORT, UDP_PORT] = [80, 443]
const families = [4, 6] as const
type Family = (typeof families)[number]
const vip = { 4: '192.0.2.1', 6: '2001:db8::1' } as const
/** Of a client that is in the namespace itself, and of one behind the wire. */
const local = { 4: '198.51.100.7', 6: '2001:db8:7::7' } as const
const remote = { 4: '198.51.100.99', 6: '2001:db8:7::99' } as const
const [SYN, ACK, SYN_ACK, RST] = [0x02, 0x10, 0x12, 0x04]
const [OWN_MAC, CLIENT_MAC] = ['02:00:00:00:00:bb', '02:00:00:00:00:11']

const backends: readonly PlaneBackend[] = ['10.9.0.1', '10.9.0.2', SELF4].map((address) => ({ address }))
const services: readonly PlaneService[] = families.flatMap((family) => [
  { address: vip[family], port: TCP_PORT, protocol: 'tcp' as const },
  { address: vip[family], port: UDP_PORT, protocol: 'udp' as const },
])

/** A server of both protocols with a connection of each client of its own; says from which ports. The UDP sockets for IPv4 and IPv6 are connected. */
const SCRIPT = `
const { createServer, connect } = require('node:net')
const { createSocket } = require('node:dgram')
const [tcpPort, udpPort, ...pairs] = JSON.parse(process.argv[1])
const server = createServer().listen(tcpPort, '::', async () => {
  const ports = []
  for (const [client, vip] of pairs) {
    const socket = connect({ host: vip, port: tcpPort, localAddress: client })
    await new Promise((done) => socket.on('connect', done))
    const datagrams = createSocket(vip.includes(':') ? 'udp6' : 'udp4')
    await new Promise((done) => datagrams.bind(udpPort, vip, done))
    await new Promise((done) => datagrams.connect(5000, client, done))
    ports.push(socket.localPort)
  }
  console.log(JSON.stringify(ports))
})
process.stdin.resume().on('end', () => process.exit())
`

let plane: Plane
let child: ChildProcess
let wire: PacketSocket
const ports = {} as Record<Family, number>

before(async () => {
  createNetns(netns)
  ipBatch(netns, [
    `link add plane0 address ${OWN_MAC} type veth peer name plane1 address ${CLIENT_MAC}`,
    'link set plane0 addrgenmode none up',
    'link set plane1 addrgenmode none',
  ])
  // What it would say of itself, as which groups it is in, would be counted along with the packets of a test.
  writeSysctl(netns, 'net.ipv6.conf.plane1.disable_ipv6', '1')
  ipBatch(netns, [
    'link set plane1 up',
    ...families.flatMap((family) => [
      `address add ${vip[family]} dev lo nodad`,
      `address add ${local[family]} dev lo nodad`,
      `route add ${remote[family]} dev plane0`,
      `neighbour add ${remote[family]} lladdr ${CLIENT_MAC} dev plane0 nud permanent`,
    ]),
  ])
  const pairs = families.map((family) => [local[family], vip[family]])
  const args = ['-e', SCRIPT, JSON.stringify([TCP_PORT, UDP_PORT, ...pairs])]
  child = start(process.execPath, args, { netns, stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(createInterface(child.stdout!), 'line')
  for (const [i, family] of families.entries()) ports[family] = JSON.parse(line as string)[i]
  plane = await Plane.create({ services, backends, self: 3, netns, interface: 'plane0' })
  plane.fill({ current: 3, previous: 1 })
  wire = new PacketSocket(netns, 'plane1')
})
after(async () => {
  if (child) {
    child.stdin!.end()
    await ended(child)
  }
  wire?.close()
  plane?.close()
  removeNetns(netns)
})

const head = (family: Family, src: string): readonly Content[] => [
  ethernet({ src: CLIENT_MAC, dst: OWN_MAC }),
  family === 4 ? ipv4({ src, dst: vip[family] }) : ipv6({ src, dst: vip[family] }),
]

const segment = (family: Family, srcport: number, more: object = {}, src: string = local[family]): Uint8Array =>
  buildPacket(...head(family, src), tcp({ srcport, dstport: TCP_PORT, flags: ACK, ...more }))

const datagram = (family: Family, srcport: number): Uint8Array =>
  buildPacket(...head(family, local[family]), udp({ srcport, dstport: UDP_PORT }), 'data')

const outcomeOf = (frame: Uint8Array): string => plane.run(frame).outcome

test('balancer keeps the packets of a TCP connection that is here, and sends on those of one that is not', () => {
  for (const family of families) {
    const known = plane.run(segment(family, ports[family]))
    assert.deepEqual([known.outcome, known.verdict], ['Socket', Verdict.pass])
    assert.equal(outcomeOf(segment(family, ports[family], { flags: RST })), 'Socket')
    const unknown = plane.run(segment(family, 9))
    assert.deepEqual([unknown.outcome, unknown.verdict], ['Previous', Verdict.tx])
    assert.equal(outcomeOf(segment(family, 9, { flags: SYN_ACK })), 'Previous')
    assert.equal(outcomeOf(segment(family, 9, { flags: RST })), 'Previous')
    assert.equal(outcomeOf(segment(family, 9, { flags: SYN })), 'New')
  }
})

test('balancer keeps the packets of a connected UDP socket, and sends on those that any socket would take', () => {
  for (const family of families) {
    assert.equal(outcomeOf(datagram(family, 5000)), 'Socket')
    assert.equal(outcomeOf(datagram(family, 5001)), 'Previous')
  }
})

test('balancer treats errors as the packets of the flow that they are about', () => {
  for (const family of families) {
    const about = (port: number): Uint8Array => {
      const ends = { src: vip[family], dst: local[family] }
      const ip = family === 4 ? ipv4(ends) : ipv6(ends)
      const quoted = buildPacket(ip, tcp({ srcport: TCP_PORT, dstport: port })).subarray(0, family === 4 ? 28 : 48)
      const message = family === 4 ? icmp({ type: 3, code: 4 }) : icmpv6({ type: 2 })
      return buildPacket(...head(family, family === 4 ? '203.0.113.1' : '2001:db8:99::1'), message, quoted)
    }
    assert.equal(outcomeOf(about(ports[family])), 'Socket')
    assert.equal(outcomeOf(about(9)), 'Previous')
  }
})

/** The kernel's answer to a SYN that comes over the wire. */
function cookieOf(family: Family, port: number): number {
  const syn = segment(family, port, { flags: SYN, seq: 1000 }, remote[family])
  const answer = wire.ask(syn, (frame) => isSynAck(frame, family, port))
  return readSynAck(answer, family).cookie
}

const answering = (family: Family, port: number, ack: number): string =>
  outcomeOf(segment(family, port, { seq: 1001, ack: ack >>> 0 }, remote[family]))

test('balancer keeps the ACK of a handshake that the kernel has begun here', () => {
  writeSysctl(netns, 'net.ipv4.tcp_syncookies', '1')
  for (const family of families) {
    const sequence = cookieOf(family, 7000)
    assert.equal(answering(family, 7000, sequence + 1), 'Socket')
  }
})

test('balancer keeps the ACK of a SYN cookie that was sent here, and sends on any other one', () => {
  writeSysctl(netns, 'net.ipv4.tcp_syncookies', '2')
  for (const family of families) {
    const cookie = cookieOf(family, 7100)
    assert.equal(answering(family, 7100, cookie + 1), 'Cookie')
    assert.equal(answering(family, 7100, cookie + 0x01000001), 'Previous')
    assert.equal(answering(family, 7101, cookie + 1), 'Previous')
  }
})
