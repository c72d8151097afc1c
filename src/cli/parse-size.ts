import { usageError } from './exit-codes.ts'

const units: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }

/**
 * Reads a number of bytes such as `65536`, `512K` or `16M`, in powers of 1024.
 *
 * @throws SeawallError SEAWALL_INPUT for anything else.
 */
export function parseSize(option: string, text: string): number {
  const [, number, unit] = /^(\d{1,10})([KMG]?)$/i.exec(text) ?? []
  if (number !== undefined) return Number(number) * units[unit!.toUpperCase()]!
  throw usageError(`Cannot use ${option} "${text}": wanted a number of bytes (for example 65536, 512K, 16M)`)
}
