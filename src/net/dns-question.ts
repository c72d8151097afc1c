import { lower } from './dns-name.ts'

/** The first question of a DNS message. */
export interface DnsQuestion {
  /** The name as on the wire, with the final zero, in lower case. */
  readonly wire: Uint8Array
  readonly labels: number
  /** Bytes of the name as text without escapes and final dot: 0 for the root. */
  readonly nameLength: number
  readonly type: number
  readonly class: number
}

const MAX_NAME = 255

/** Reads the first question of the message in `bytes[start, end)`, null if there is none or it is not well formed. */
export function readQuestion(bytes: Uint8Array, start: number, end: number): DnsQuestion | null {
  if (((bytes[start + 4]! << 8) | bytes[start + 5]!) === 0) return null
  const name = start + 12
  let at = name
  let labels = 0
  for (;;) {
    if (at >= end) return null
    const length = bytes[at]!
    if (length > 63) return null
    at += length + 1
    if (at - name > MAX_NAME) return null
    if (length === 0) break
    labels++
  }
  if (at + 4 > end) return null
  return {
    wire: bytes.slice(name, at).map(lower),
    labels,
    nameLength: Math.max(0, at - name - 2),
    type: (bytes[at]! << 8) | bytes[at + 1]!,
    class: (bytes[at + 2]! << 8) | bytes[at + 3]!,
  }
}
