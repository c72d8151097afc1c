import * as z from 'zod'
import { NetError } from '../net/errors.ts'
import { type Prefix, parsePrefix } from '../net/prefix.ts'
import { closest } from '../rules/suggest.ts'

/** A path inside the part of the configuration that is read. */
export type At = readonly (string | number)[]

/** What a custom issue says beside its message, which in all of Seawall's schemas is what was wanted. */
export interface IssueParams {
  /** What was found, when it is not simply the value at the path. */
  readonly found?: string
  readonly remedy?: string
  /** The path ends in a key that should not be there. */
  readonly key?: boolean
  /** Offset of the mistake inside a string value, characters. */
  readonly offset?: number
}

type Shape = Readonly<Record<string, z.ZodType>>

/** An object in which unknown keys are errors that name the known ones. */
export function strict<S extends Shape>(shape: S, wanted = 'an object'): z.ZodObject<S, z.core.$strict> {
  const known = Object.keys(shape).join(', ')
  return z.strictObject(shape, { error: (issue) => (issue.code === 'unrecognized_keys' ? `one of ${known}` : wanted) })
}

/** Adds an issue whose message is what was wanted. */
export function refuse(context: z.RefinementCtx, path: At, wanted: string, params: IssueParams = {}): void {
  context.addIssue({ code: 'custom', message: wanted, path: [...path], params: { ...params } })
}

/** Refuses keys that are not among `known`. */
export function refuseUnknownKeys(context: z.RefinementCtx, value: object, known: readonly string[], path: At): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue
    const meant = closest(key, known)
    const remedy = meant === undefined ? 'remove it' : `did you mean "${meant}"?`
    refuse(context, [...path, key], `one of ${known.join(', ')}`, { key: true, found: `unknown key "${key}"`, remedy })
  }
}

/** A value with keys: neither a list nor null. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads a prefix or an address; undefined, and an issue added, if it is neither. */
export function readPrefix(value: unknown, context: z.RefinementCtx, path: At, wanted: string): Prefix | undefined {
  if (typeof value !== 'string') return void refuse(context, path, wanted)
  try {
    return parsePrefix(value)
  } catch (error) {
    if (!(error instanceof NetError)) throw error
    const remedy = /\((write .*)\)$/.exec(error.message)?.[1]
    return void refuse(context, path, wanted, remedy === undefined ? {} : { remedy })
  }
}
