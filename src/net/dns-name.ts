import { NetError } from './errors.ts'

/**
 * A DNS name as it is on the wire (RFC 1035 3.1), in lower case. One character of `name` is one byte; a final dot is allowed and
 * both `''` and `'.'` are the root. A dot always parts labels: a label cannot hold one.
 * @throws NetError NET_NAME if a label is empty or longer than 63 bytes, or the whole longer than 255
 */
export function encodeName(name: string): Uint8Array {
  const text = name.endsWith('.') ? name.slice(0, -1) : name
  const labels = text === '' ? [] : text.split('.')
  for (const label of labels) {
    if (label.length >= 1 && label.length <= 63) continue
    throw new NetError(
      'NET_NAME',
      `Cannot encode name "${name}": label "${label}" has ${label.length} bytes, wanted 1 to 63`,
    )
  }
  const size = text === '' ? 1 : text.length + 2
  if (size > 255)
    throw new NetError('NET_NAME', `Cannot encode name "${name}": it takes ${size} bytes, wanted at most 255`)
  const wire = new Uint8Array(size)
  let at = 0
  for (const label of labels) {
    wire[at++] = label.length
    for (const char of label) wire[at++] = lower(byteOf(char, name))
  }
  return wire
}

/** Lower case of an ASCII letter, any other byte as it is. Length bytes of a name are never letters. */
export const lower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte)

function byteOf(char: string, name: string): number {
  const code = char.codePointAt(0)!
  if (code <= 0xff) return code
  throw new NetError(
    'NET_NAME',
    `Cannot encode name "${name}": "${char}" is not a byte (write the xn-- form of the name)`,
  )
}
