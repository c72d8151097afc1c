import { createHash } from 'node:crypto'

/** Ties pinned state to the code that can read it: 16 hexadecimal digits, which are others when anything of `format` is. */
export const layoutOf = (format: unknown): string =>
  createHash('sha256').update(JSON.stringify(format)).digest('hex').slice(0, 16)
