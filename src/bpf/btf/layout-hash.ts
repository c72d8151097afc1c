import { createHash } from 'node:crypto'
import type { ObjectShape } from './object-spec.ts'

/**
 * Identifies what an object file and user space must agree on: maps, their keys and values, global variables, programs. Not the
 * machine code, which differs with each compiler.
 */
export function layoutHash({ maps, variables, programs }: ObjectShape): string {
  const text = JSON.stringify({ maps, variables, programs }, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}
