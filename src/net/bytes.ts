/** All parts behind each other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Writes 16 bits, big endian. */
export function set16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

/** Writes 32 bits, big endian. */
export function set32(bytes: Uint8Array, at: number, value: number): void {
  set16(bytes, at, value >>> 16)
  set16(bytes, at + 2, value & 0xffff)
}
