import { usageError } from './exit-codes.ts'

/**
 * Reads a whole number of 1 and more.
 *
 * @throws SeawallError SEAWALL_INPUT for anything else.
 */
export function parseCount(option: string, text: string, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= 1 && value <= most) return value
  throw usageError(`Cannot use ${option} "${text}": wanted a whole number from 1 to ${most}`)
}
