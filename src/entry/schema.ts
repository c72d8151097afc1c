import { z } from 'zod'
import { closest } from '../rules/suggest.ts'

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
export function refuse(
  context: z.RefinementCtx,
  path: readonly (string | number)[],
  wanted: string,
  params: IssueParams = {},
): void {
  context.addIssue({ code: 'custom', message: wanted, path: [...path], params: { ...params } })
}

/** Refuses keys that are not among `known`. */
export function refuseUnknownKeys(
  context: z.RefinementCtx,
  value: object,
  known: readonly string[],
  path: readonly (string | number)[],
): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue
    const meant = closest(key, known)
    const remedy = meant === undefined ? 'remove it' : `did you mean "${meant}"?`
    refuse(context, [...path, key], `one of ${known.join(', ')}`, { key: true, found: `unknown key "${key}"`, remedy })
  }
}
