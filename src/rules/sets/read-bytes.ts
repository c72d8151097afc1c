const DOT = 46
const SLASH = 47
const ZERO = 48
const COLON = 58

/** What the readers below have read: one word of an IPv4 prefix, four of an IPv6 one. */
export const readWord = new Uint32Array(4)
export let readLength = 0

/** Reads `192.0.2.0` or `192.0.2.0/24` in ASCII, without leading zeros. Returns where it ends, or -1 if it is anything else. */
export function readIpv4(bytes: Uint8Array, start: number): number {
  let at = start
  let value = 0
  for (let part = 0; part < 4; part++) {
    at = readNumber(bytes, at)
    if (at < 0 || number > 255) return -1
    value = value * 256 + number
    if (part < 3 && bytes[at++] !== DOT) return -1
  }
  readWord[0] = value
  return readSlash(bytes, at, 32)
}

/**
 * Reads `2001:db8::1` or `2001:db8::/32` in ASCII. Returns where it ends, or -1 if it is anything else, also for
 * addresses that end in a dotted quad.
 */
export function readIpv6(bytes: Uint8Array, start: number): number {
  let at = start
  let count = 0
  let gap = -1
  if (bytes[at] === COLON && bytes[at + 1] === COLON) {
    gap = 0
    at += 2
  }
  while (count < 8) {
    const end = readGroup(bytes, at)
    if (end < 0) return -1
    if (end === at) {
      if (gap !== count) return -1
      break
    }
    groups[count++] = number
    at = end
    if (bytes[at] !== COLON) break
    if (bytes[++at] !== COLON) continue
    if (gap >= 0) return -1
    gap = count
    at++
  }
  if (bytes[at] === DOT || (bytes[at - 1] === COLON && gap !== count)) return -1
  return spread(count, gap) ? readSlash(bytes, at, 128) : -1
}

/** The last number read. */
let number = 0
const groups = new Uint16Array(8)

/** Puts the groups that were read into words, with zeros in the gap. False if there are too few or too many. */
function spread(count: number, gap: number): boolean {
  if (gap < 0 ? count !== 8 : count > 7) return false
  const before = gap < 0 ? 8 : gap
  const missing = 8 - count
  const group = (i: number) => (i < before ? groups[i]! : i < before + missing ? 0 : groups[i - missing]!)
  for (let i = 0; i < 4; i++) readWord[i] = group(2 * i) * 0x1_0000 + group(2 * i + 1)
  return true
}

function readSlash(bytes: Uint8Array, at: number, bits: number): number {
  readLength = bits
  if (bytes[at] !== SLASH) return at
  const end = readNumber(bytes, at + 1)
  readLength = number
  return number > bits ? -1 : end
}

/** Reads a decimal number of one to three digits. Returns where it ends, or -1. */
function readNumber(bytes: Uint8Array, start: number): number {
  let at = start
  number = 0
  for (let digit = bytes[at]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[++at]! - ZERO)
    number = number * 10 + digit
  const digits = at - start
  return digits === 0 || digits > 3 || (digits > 1 && bytes[start] === ZERO) ? -1 : at
}

/** Reads a hexadecimal number of at most four digits. Returns where it ends (the start, if there is none), or -1. */
function readGroup(bytes: Uint8Array, start: number): number {
  let at = start
  number = 0
  for (let digit = hexDigit(bytes[at]); digit >= 0; digit = hexDigit(bytes[++at])) {
    if (at - start === 4) return -1
    number = number * 16 + digit
  }
  return at
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1
  const digit = byte - ZERO
  if (digit >= 0 && digit <= 9) return digit
  const letter = (byte | 0x20) - 97
  return letter >= 0 && letter < 6 ? letter + 10 : -1
}
