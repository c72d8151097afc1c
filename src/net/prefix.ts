import { type Address, addressBits, formatAddress, tryParseAddress } from './address.ts'
import { NetError } from './errors.ts'

/** An IP prefix: `value` is the first address as an unsigned big-endian integer, its host bits are zero. */
export interface Prefix {
  readonly family: 4 | 6
  readonly value: bigint
  /** Bits of the network, 0 to 32 or 128. */
  readonly length: number
}

/**
 * Reads `192.0.2.0/24`, `2001:db8::/32` or a bare address (/32, /128).
 * @throws NetError NET_PREFIX, also if host bits are set (the message names the prefix that was probably meant)
 */
export function parsePrefix(text: string): Prefix {
  const { prefix, hostBits } = readPrefix(text)
  if (!hostBits) return prefix
  throw new NetError(
    'NET_PREFIX',
    `Cannot read prefix "${text}": host bits are set, wanted them to be zero (write ${formatPrefix(prefix)})`,
  )
}

/**
 * Reads a prefix and clears its host bits; `hostBits` says whether there were any.
 * @throws NetError NET_PREFIX
 */
export function readPrefix(text: string): { prefix: Prefix; hostBits: boolean } {
  const slash = text.indexOf('/')
  const address = tryParseAddress(slash < 0 ? text : text.slice(0, slash))
  if (!address) {
    throw new NetError(
      'NET_PREFIX',
      `Cannot read prefix "${text}": wanted an address and a length (such as 192.0.2.0/24)`,
    )
  }
  const bits = addressBits[address.family]
  const digits = slash < 0 ? String(bits) : text.slice(slash + 1)
  if (!/^(0|[1-9]\d{0,2})$/.test(digits) || Number(digits) > bits) {
    throw new NetError('NET_PREFIX', `Cannot read prefix "${text}": length is "${digits}", wanted 0 to ${bits}`)
  }
  const prefix = prefixOf(address, Number(digits))
  return { prefix, hostBits: prefix.value !== address.value }
}

/** The prefix of `length` bits that holds the address. */
export function prefixOf(address: Address, length: number): Prefix {
  const host = BigInt(addressBits[address.family] - length)
  return { family: address.family, value: (address.value >> host) << host, length }
}

/** `192.0.2.0/24`; always with a length. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix)}/${prefix.length}`
}

/** Whether the address lies in the prefix. */
export function prefixContains(prefix: Prefix, address: Address): boolean {
  if (prefix.family !== address.family) return false
  const host = BigInt(addressBits[prefix.family] - prefix.length)
  return prefix.value >> host === address.value >> host
}

/** Whether the prefix is a single address. */
export const isHost = (prefix: Prefix): boolean => prefix.length === addressBits[prefix.family]

/** The fewest prefixes that hold just the addresses from one to another of its family, both included; none if they run backwards. */
export function prefixesBetween(from: Address, to: Address): Prefix[] {
  const prefixes: Prefix[] = []
  const bits = addressBits[from.family]
  let { value } = from
  while (value <= to.value) {
    let length = bits
    while (length > 0) {
      const size = 1n << BigInt(bits - length + 1)
      if (value % size !== 0n || value + size - 1n > to.value) break
      length--
    }
    prefixes.push({ family: from.family, value, length })
    value += 1n << BigInt(bits - length)
  }
  return prefixes
}
