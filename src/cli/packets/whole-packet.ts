/** A packet of which only the beginning was captured, with zeros for the rest, so that lengths agree. */
export function wholePacket(bytes: Uint8Array, length: number): Uint8Array {
  if (length <= bytes.length) return bytes
  const whole = new Uint8Array(length)
  whole.set(bytes)
  return whole
}
