import * as z from 'zod'
import { refuse } from '../../entry/schema.ts'

/** Most backends of a table: a row has 16 bits for each. */
export const MAX_BACKENDS = 65_535

/** Name of a backend: no spaces, no control characters. */
export const name = z
  .string({ error: 'the name of a backend' })
  .regex(/^[^\s\p{C}]{1,255}$/u, 'a name of 1 to 255 characters without spaces')

/** Of a table; it grows with every change. */
export const version = z
  .number({ error: 'a version' })
  .int('a version, which is a whole number')
  .min(1, 'a version from 1')
  .max(2 ** 52, 'a version up to 2^52')

/** Names in ascending order, none twice. */
export const sortedNames = z
  .array(name, { error: 'a list of names' })
  .max(MAX_BACKENDS, `at most ${MAX_BACKENDS} names`)
  .superRefine((names, context) => {
    const at = names.findIndex((one, index) => index > 0 && (names[index - 1] ?? '') >= one)
    if (at >= 0) refuse(context, [at], `a name behind ${JSON.stringify(names[at - 1])}`)
  })

/** Numbers of 16 or 32 bits, little-endian, as base64 in the one form that encoders write. */
export function numbers<T extends Uint16Array | Uint32Array>(make: new (length: number) => T, limit: number) {
  return z
    .string({ error: 'base64' })
    .max(4 * Math.ceil((limit * bytesOf(make)) / 3), `base64 of at most ${limit} numbers`)
    .transform((text, context): T => {
      const bytes = Buffer.from(text, 'base64')
      const size = bytesOf(make)
      const whole = bytes.length % size === 0
      if (!whole) refuse(context, [], `base64 of a multiple of ${size} bytes`)
      else if (bytes.toString('base64') !== text) refuse(context, [], 'base64 as in RFC 4648, with padding')
      const list = new make(whole ? bytes.length / size : 0)
      for (let at = 0; at < list.length; at++)
        list[at] = size === 2 ? bytes.readUInt16LE(at * size) : bytes.readUInt32LE(at * size)
      return list
    })
}

/** What {@link numbers} reads. */
export function encodeNumbers(list: Uint16Array | Uint32Array): string {
  const size = list.BYTES_PER_ELEMENT
  const bytes = Buffer.alloc(list.length * size)
  for (let at = 0; at < list.length; at++) {
    const value = list[at] ?? 0
    if (size === 2) bytes.writeUInt16LE(value, at * size)
    else bytes.writeUInt32LE(value, at * size)
  }
  return bytes.toString('base64')
}

function bytesOf(make: new (length: number) => Uint16Array | Uint32Array): number {
  return (make as unknown as { readonly BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT
}
