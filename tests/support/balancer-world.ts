import { addressBytes, parseAddress } from '../../src/net/address.ts'
import { findFaults, type World } from './balancer-checker.ts'
import { GUE_PORT, NEXT_HOP, OWN_MAC, type PlaneBackend, SELF4, SELF6 } from './balancer-plane.ts'
import { hex } from './balancer-reader.ts'

/** An address as the reader writes it. */
export const written = (address: string): string =>
  address.includes(':') ? hex(addressBytes(parseAddress(address))) : address

/** What outputs of a plane with these backends may name, and what is wrong with one. */
export function worldOf(backends: readonly PlaneBackend[], mtu = 1500) {
  const world: World = {
    self: [written(SELF4), written(SELF6)],
    backends: backends.map(({ address }) => written(address)),
    nextHop: hex(NEXT_HOP),
    ownMac: hex(OWN_MAC),
    guePort: GUE_PORT,
    mtu,
  }
  return {
    ...world,
    faults: (before: Uint8Array, verdict: number, after: Uint8Array): string[] =>
      findFaults(world, before, verdict, after),
  }
}
