import type { z } from 'zod'
import { FleetError } from './errors.ts'

/**
 * Reads JSON by a schema.
 *
 * @param what names it in the error, such as `the table`.
 * @throws FleetError FLEET_MESSAGE: the place, what was found there, and what was wanted.
 */
export function readJson<T>(what: string, text: string, schema: z.ZodType<T>): T {
  const value = parse(what, text)
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = issue?.path ?? []
  const found = path.reduce<unknown>((at, part) => (at as Record<PropertyKey, unknown> | undefined)?.[part], value)
  const place = path.length === 0 ? '' : ` at ${path.join('.')}`
  throw unreadable(`Cannot read ${what}${place}: found ${shorten(found)}, wanted ${issue?.message ?? 'something else'}`)
}

function parse(what: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw unreadable(`Cannot read ${what}: found ${shorten(text)}, wanted JSON`, cause)
  }
}

/** A value for an error: JSON of at most 60 characters. */
export function shorten(value: unknown): string {
  const text = JSON.stringify(typeof value === 'string' ? value.slice(0, 80) : value) ?? 'nothing'
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`
}

function unreadable(message: string, cause?: unknown): FleetError {
  return new FleetError('FLEET_MESSAGE', message, { cause })
}
