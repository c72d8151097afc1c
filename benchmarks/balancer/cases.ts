import { buildPacket, type Content, ethernet, ipv4, ipv6, tcp } from '../../src/net/build.ts'
import type { PlaneService } from '../../tests/support/balancer-plane.ts'

export const VIP4 = '192.0.2.53'
export const VIP6 = '2001:db8:53::53'
export const PORT = 443
const CLIENT4 = '203.0.113.7'
const CLIENT6 = '2001:db8:c::7'
const CLIENT_PORT = 40_000

const ACK = 0x10
const SYN = 0x02

/** The flow of packets whose connection the kernel has. */
export const FLOW = { address: VIP4, port: PORT, peer: CLIENT4, peerPort: CLIENT_PORT } as const

export const services = (gue: boolean): readonly PlaneService[] =>
  [VIP4, VIP6].map((address) => ({ address, port: PORT, protocol: 'tcp', gue }))

const segment = (flags: number, dstport = PORT): Content =>
  tcp({ srcport: CLIENT_PORT, dstport, flags, seq: 1, ack: 1 })
const frame = (network: Content, transport: Content): Uint8Array =>
  buildPacket(ethernet(), network, transport, new Uint8Array(10))

export const packets = {
  data4: frame(ipv4({ src: CLIENT4, dst: VIP4 }), segment(ACK)),
  syn4: frame(ipv4({ src: CLIENT4, dst: VIP4 }), segment(SYN)),
  other4: frame(ipv4({ src: CLIENT4, dst: VIP4 }), segment(ACK, 22)),
  data6: frame(ipv6({ src: CLIENT6, dst: VIP6 }), segment(ACK)),
  other6: frame(ipv6({ src: CLIENT6, dst: VIP6 }), segment(ACK, 22)),
} as const
