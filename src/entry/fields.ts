import type * as z from 'zod'
import { formatDuration, parseDuration } from './duration.ts'
import { SeawallError } from './errors.ts'
import { type At, type IssueParams, refuse, refuseUnknownKeys } from './schema.ts'

/** What a number may be; whole unless it says otherwise. */
export interface Range {
  readonly from: number
  readonly to: number
  readonly fractions?: boolean
}

/**
 * Reads an object of a configuration key by key. What cannot be taken becomes an issue, and its fallback is returned, so that one
 * mistake hides no other; `failed` says whether there was any.
 */
export class Fields {
  readonly context: z.RefinementCtx
  readonly at: At
  readonly #value: Readonly<Record<string, unknown>>
  #failed = false

  /** Refuses keys that are not among `known`. */
  constructor(
    context: z.RefinementCtx,
    value: Readonly<Record<string, unknown>>,
    known: readonly string[],
    at: At = [],
  ) {
    this.context = context
    this.at = at
    this.#value = value
    refuseUnknownKeys(context, value, known, at)
  }

  get failed(): boolean {
    return this.#failed
  }

  get(key: string): unknown {
    return this.#value[key]
  }

  has(key: string): boolean {
    return this.#value[key] !== undefined
  }

  /** Path of a key, or of what is inside of it. */
  path(...parts: At): At {
    return [...this.at, ...parts]
  }

  /** Adds an issue at a path inside the object: what was wanted there. */
  refuse(path: At, wanted: string, params: IssueParams = {}): undefined {
    this.#failed = true
    refuse(this.context, this.path(...path), wanted, params)
  }

  flag(key: string): boolean {
    const value = this.get(key) ?? false
    if (typeof value !== 'boolean') this.refuse([key], 'true or false')
    return value === true
  }

  /** A number; `fallback` if it is absent, and required without one. */
  number(key: string, range: Range, fallback?: number): number {
    const value = this.has(key) ? this.get(key) : fallback
    if (isNumber(value, range)) return value
    const kind = range.fractions === true ? 'a number' : 'a whole number'
    this.refuse([key], `${kind} from ${range.from} to ${range.to}`)
    return fallback ?? range.from
  }

  /** A duration in milliseconds, as are `range` and `fallback`. */
  duration(key: string, range: Range, fallback: number): number {
    if (!this.has(key)) return fallback
    const ms = tryDuration(this.get(key))
    if (isNumber(ms, range)) return ms
    this.refuse([key], `a duration from "${formatDuration(range.from)}" to "${formatDuration(range.to)}"`)
    return fallback
  }

  /** Text of a form; undefined if it is absent. */
  text(key: string, form: RegExp, wanted: string): string | undefined {
    const value = this.get(key)
    if (value === undefined || (typeof value === 'string' && form.test(value))) return value
    return this.refuse([key], wanted)
  }
}

function isNumber(value: unknown, { from, to, fractions }: Range): value is number {
  if (typeof value !== 'number' || !(value >= from && value <= to)) return false
  return fractions === true || Number.isInteger(value)
}

function tryDuration(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined
  try {
    return parseDuration(value)
  } catch (error) {
    if (error instanceof SeawallError) return undefined
    throw error
  }
}
