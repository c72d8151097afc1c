import { usageError } from '../exit-codes.ts'

/**
 * Reads a frame from hexadecimal digits; blanks, colons, `0x` and line breaks between them are ignored, so that what other
 * tools print can be pasted.
 *
 * @throws SeawallError SEAWALL_INPUT for anything else.
 */
export function parseHexPacket(text: string): Uint8Array {
  const digits = text.replaceAll(/0x|[\s:,-]/gi, '')
  const wrong = /[^0-9a-f]/i.exec(digits)
  if (wrong !== null) {
    throw usageError(
      `Cannot read packet "${shorten(text)}": found "${wrong[0]}", wanted hexadecimal digits or a capture file that exists`,
    )
  }
  if (digits.length % 2 !== 0) {
    throw usageError(
      `Cannot read packet "${shorten(text)}": found ${digits.length} hexadecimal digits, wanted two for each byte`,
    )
  }
  if (digits.length > 2 * MAX_FRAME) {
    throw usageError(
      `Cannot read packet "${shorten(text)}": found ${digits.length / 2} bytes, wanted at most ${MAX_FRAME}`,
    )
  }
  return new Uint8Array(Buffer.from(digits, 'hex'))
}

/** Longest frame that is taken, bytes: that of the loopback interface with its Ethernet header. */
export const MAX_FRAME = 65_550

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
