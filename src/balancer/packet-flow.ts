import type { Address } from '../net/address.ts'
import { type Dissection, PROTOCOL } from '../net/dissect.ts'
import type { Flow } from './hash.ts'

/** The flow of a whole TCP or UDP packet; undefined for anything else. */
export function flowOf(packet: Dissection): Flow | undefined {
  const { view, ipVersion, l3, l4, upper, fragment } = packet
  if (ipVersion === 0 || fragment || (upper !== 'tcp' && upper !== 'udp')) return undefined
  const address = (offset4: number, offset6: number): Address =>
    ipVersion === 4
      ? { family: 4, value: BigInt(view.getUint32(l3 + offset4)) }
      : { family: 6, value: (view.getBigUint64(l3 + offset6) << 64n) | view.getBigUint64(l3 + offset6 + 8) }
  return {
    source: address(12, 8),
    destination: address(16, 24),
    sourcePort: view.getUint16(l4),
    destinationPort: view.getUint16(l4 + 2),
    protocol: PROTOCOL[upper],
  }
}
