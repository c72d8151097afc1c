import { addressBytes, parseAddress } from '../address.ts'
import { NetError } from '../errors.ts'

/**
 * The bytes of an address of the header's family.
 * @throws NetError NET_ADDRESS, NET_PACKET
 */
export function ipAddress(text: string, family: 4 | 6): Uint8Array {
  const parsed = parseAddress(text)
  if (parsed.family === family) return addressBytes(parsed)
  throw new NetError('NET_PACKET', `Cannot build an IPv${family} header: address is "${text}", wanted IPv${family}`)
}
