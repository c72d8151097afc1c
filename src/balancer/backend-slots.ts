import { encode } from '../bpf/index.ts'
import { Backend } from '../generated/balancer.ts'
import type { NextHop } from '../linux/next-hop.ts'
import { addressBytes } from '../net/address.ts'
import { macBytes, parseMac } from '../net/mac.ts'
import type { DesiredBackend } from './desired.ts'

/** `AF_INET` and `AF_INET6`. */
const FAMILIES = { 4: 2, 6: 10 } as const

/** What is taken for granted of a path whose interface is not known. */
const ETHERNET_MTU = 1_500

/** The element of a backend in the map `backends`. Without a next hop packets for it are dropped. */
export function backendSlot({ address }: Pick<DesiredBackend, 'address'>, hop: NextHop | undefined): Uint8Array {
  const bytes = new Uint8Array(16)
  bytes.set(addressBytes(address))
  return encode(Backend, {
    address: bytes,
    family: FAMILIES[address.family],
    resolved: hop?.dstMac !== undefined,
    mtu: hop?.mtu ?? ETHERNET_MTU,
    ifindex: hop?.ifindex ?? 0,
    nextHop: linkAddress(hop?.dstMac),
    link: linkAddress(hop?.srcMac),
  })
}

const linkAddress = (text: string | undefined): Uint8Array => macBytes(text === undefined ? 0 : parseMac(text))
