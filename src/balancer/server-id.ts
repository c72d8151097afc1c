import { createHash } from 'node:crypto'

/** Server id of a backend that names none: the first two bytes of the SHA-256 of its name, big endian. Every machine finds the same. */
export function serverIdOf(name: string): number {
  return createHash('sha256').update(name).digest().readUInt16BE(0)
}
