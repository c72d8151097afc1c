/** Sum of the 16-bit big-endian words (an odd last byte is padded with zero), folded to 16 bits; `initial` is added. */
export function onesSum(bytes: Uint8Array, initial = 0): number {
  let sum = initial
  const even = bytes.length & ~1
  for (let at = 0; at < even; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!
  if (bytes.length !== even) sum += bytes[even]! << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return sum
}

/** The internet checksum (RFC 1071) of the bytes; `initial` is a sum to go on from, such as that of a pseudo header. */
export function checksum(bytes: Uint8Array, initial = 0): number {
  return ~onesSum(bytes, initial) & 0xffff
}

/** Sum of the IPv4 or IPv6 pseudo header, to be given to {@link checksum}. Addresses are 4 or 16 bytes each. */
export function pseudoHeaderSum(src: Uint8Array, dst: Uint8Array, protocol: number, length: number): number {
  return onesSum(src, onesSum(dst, protocol + (length & 0xffff) + Math.floor(length / 0x10000)))
}
