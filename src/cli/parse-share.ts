import { usageError } from './exit-codes.ts'
import { parseCount } from './parse-count.ts'

const MOST = 2 ** 31 - 1

/**
 * Reads a share of packets such as `1/100`.
 *
 * @returns 100.
 * @throws SeawallError SEAWALL_INPUT for anything else.
 */
export function parseShare(option: string, text: string): number {
  const [, every] = /^1\/(\d{1,10})$/.exec(text) ?? []
  if (every === undefined) throw usageError(`Cannot use ${option} "${text}": wanted a share of packets such as 1/100`)
  return parseCount(`${option} 1/`, every, MOST)
}
