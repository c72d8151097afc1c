import { NetError } from './errors.ts'

/**
 * Reads `02:00:00:00:00:01` or `02-00-00-00-00-01` as a 48-bit number, first byte highest.
 * @throws NetError NET_MAC
 */
export function parseMac(text: string): number {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text) && !/^[0-9a-f]{2}(-[0-9a-f]{2}){5}$/i.test(text)) {
    throw new NetError('NET_MAC', `Cannot read MAC address "${text}": wanted six bytes (such as 02:00:00:00:00:01)`)
  }
  return Number.parseInt(text.replaceAll(/[:-]/g, ''), 16)
}

/** Lower case, with colons. */
export function formatMac(mac: number): string {
  return mac
    .toString(16)
    .padStart(12, '0')
    .replaceAll(/..(?!$)/g, '$&:')
}

/** The six bytes of a MAC address in the order of the wire. */
export function macBytes(mac: number): Uint8Array {
  const bytes = new Uint8Array(6)
  let rest = mac
  for (let at = 5; at >= 0; at--) {
    bytes[at] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return bytes
}
