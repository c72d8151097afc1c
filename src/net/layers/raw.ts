import { concat } from '../bytes.ts'
import type { Layer } from './layer.ts'

/** Bytes that no layer describes. */
export function raw(content: Uint8Array | string): Layer {
  const bytes = typeof content === 'string' ? Uint8Array.from(content, (char) => char.charCodeAt(0)) : content
  return { write: (payload) => concat(bytes, payload) }
}
