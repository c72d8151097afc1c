import { toHex } from '../../agent/api/hex.ts'

/** One JSON document with a line feed; keys keep the order in which the value was made. Big integers become decimal strings, bytes hexadecimal. */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(value, plain, 2)}\n`
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return toHex(value)
  if (value instanceof Map) return Object.fromEntries(value)
  return value instanceof Set ? [...value] : value
}
