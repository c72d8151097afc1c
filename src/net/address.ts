import { NetError } from './errors.ts'

/** An IP address: `value` is its 32 or 128 bits as an unsigned big-endian integer. */
export interface Address {
  readonly family: 4 | 6
  readonly value: bigint
}

/** Bits of an address of each family. */
export const addressBits = { 4: 32, 6: 128 } as const

/**
 * Reads `192.0.2.1` or `2001:db8::1` (also `::ffff:192.0.2.1`). Strict: no leading zeros in IPv4, no zone.
 * @throws NetError NET_ADDRESS
 */
export function parseAddress(text: string): Address {
  const address = tryParseAddress(text)
  if (address) return address
  throw new NetError(
    'NET_ADDRESS',
    `Cannot read address "${text}": wanted IPv4 or IPv6 (such as 192.0.2.1 or 2001:db8::1)`,
  )
}

/** Like {@link parseAddress}, but undefined for anything else. */
export function tryParseAddress(text: string): Address | undefined {
  const family = text.includes(':') ? 6 : 4
  const value = family === 6 ? readIpv6(text) : readIpv4(text)
  return value === undefined ? undefined : { family, value: BigInt(value) }
}

/** The usual text: dotted quad, or RFC 5952 for IPv6. */
export function formatAddress(address: Address): string {
  return address.family === 4 ? formatIpv4(Number(address.value)) : formatIpv6(address.value)
}

/** `192.0.2.1:53`, or `[2001:db8::1]:53`. */
export function formatEndpoint(address: Address, port: number): string {
  const text = formatAddress(address)
  return address.family === 4 ? `${text}:${port}` : `[${text}]:${port}`
}

/** The address of IPv4 that one of `::ffff:0:0/96` stands for (RFC 4291 2.5.5.2), as sockets of IPv6 have that talk IPv4; others as they are. */
export function unmapped(address: Address): Address {
  const isMapped = address.family === 6 && address.value >> 32n === 0xffffn
  return isMapped ? { family: 4, value: address.value & 0xffff_ffffn } : address
}

/** 4 or 16 bytes, network byte order. */
export function addressBytes(address: Address): Uint8Array {
  const bytes = new Uint8Array(address.family === 4 ? 4 : 16)
  let rest = address.value
  for (let at = bytes.length - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}

/** The address whose 4 or 16 bytes begin at `offset`, network byte order. */
export function addressAt(bytes: Uint8Array, offset: number, family: 4 | 6): Address {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (family === 4) return { family, value: BigInt(view.getUint32(offset)) }
  return { family, value: (view.getBigUint64(offset) << 64n) | view.getBigUint64(offset + 8) }
}

function readIpv4(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let value = 0
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    value = value * 256 + Number(part)
  }
  return value
}

function readIpv6(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const last = halves.length - 1
  const groups = halves.map((half, index) => readGroups(half, index === last))
  const [head, tail] = groups
  if (!head || groups.includes(undefined)) return undefined
  if (last === 0) return head.length === 8 ? join(head) : undefined
  const missing = 8 - head.length - tail!.length
  return missing < 1 ? undefined : join([...head, ...new Array<number>(missing).fill(0), ...tail!])
}

/** The 16-bit groups of one side of `::`; the very last may be a dotted quad. */
function readGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const groups: number[] = []
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const ipv4 = mayEndInIpv4 && index === parts.length - 1 ? readIpv4(part) : undefined
    if (ipv4 === undefined) return undefined
    groups.push(ipv4 >>> 16, ipv4 & 0xffff)
  }
  return groups
}

const join = (groups: readonly number[]): bigint => groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n)

const formatIpv4 = (value: number): string =>
  `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`

function formatIpv6(value: bigint): string {
  if (value >> 32n === 0xffffn) return `::ffff:${formatIpv4(Number(value & 0xffffffffn))}`
  const groups = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - 16 * index)) & 0xffffn))
  const { start, length } = longestZeros(groups)
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':')
  if (length < 2) return hex(groups)
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start }
  }
  return best
}
