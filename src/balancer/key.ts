import type { Fields } from '../entry/fields.ts'

const DIGITS = 32

/** The key of the hash of flows, 16 bytes. Messages, which go to logs, do not show it. */
export function readKey(fields: Fields): Uint8Array {
  const value = fields.get('key')
  const weakness = weaknessOf(value)
  if (weakness !== undefined) {
    const remedy = typeof value === 'number' ? 'put it in quotes' : 'openssl rand -hex 16 makes one'
    fields.refuse(['key'], `${DIGITS} hexadecimal digits made at random, the same on every machine`, {
      found: weakness,
      remedy,
    })
  }
  return weakness === undefined ? Uint8Array.from(Buffer.from(value as string, 'hex')) : new Uint8Array(DIGITS / 2)
}

function weaknessOf(value: unknown): string | undefined {
  if (value === undefined) return 'nothing'
  if (typeof value !== 'string') return typeof value === 'number' ? 'a number' : 'no text'
  if (value.length !== DIGITS) return `text of ${value.length} characters`
  if (!/^[0-9a-f]*$/i.test(value)) return 'other characters than hexadecimal digits'
  return isRepetition(value) ? 'the same digits again and again' : undefined
}

/** The whole is a piece of it, several times: found as its own part where it does not begin or end. */
function isRepetition(text: string): boolean {
  return `${text}${text}`.indexOf(text, 1) < text.length
}
