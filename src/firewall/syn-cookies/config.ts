import type { z } from 'zod'
import { isObject, refuse, refuseUnknownKeys } from '../../entry/schema.ts'
import { parseRate, RuleError } from '../../rules/index.ts'

/** The `synCookies` part of the configuration. */
export interface SynCookiesConfig {
  /** `always`, or only for destinations that get more SYNs than this, such as `5k/s`. */
  readonly when: 'always' | { readonly synRate: string }
}

/** When SYNs are answered with cookies: for every SYN to a listener (`rate` 0), or for listeners that get more SYNs a second than `rate`. */
export interface SynCookies {
  readonly rate: number
}

/** The slowest rate that is an attack, and the fastest that the clock of a listener can tell, SYNs a second. */
const RATES = { min: 10, max: 10_000_000 }

const AT = 'synCookies'
const wanted = '{ when: "always" } or { when: { synRate: "5k/s" } }'

export function readSynCookies(value: unknown, context: z.RefinementCtx): SynCookies | undefined {
  if (value === undefined) return undefined
  if (!isObject(value)) return void refuse(context, [AT], wanted)
  refuseUnknownKeys(context, value, ['when'], [AT])
  const { when } = value
  if (when === 'always') return { rate: 0 }
  if (!isObject(when)) return void refuse(context, [AT, 'when'], '"always" or { synRate: "5k/s" }')
  refuseUnknownKeys(context, when, ['synRate'], [AT, 'when'])
  return readSynRate(when.synRate, context)
}

function readSynRate(text: unknown, context: z.RefinementCtx): SynCookies | undefined {
  const at = [AT, 'when', 'synRate']
  const rate = typeof text === 'string' ? tryRate(text) : undefined
  if (rate === undefined) return void refuse(context, at, 'a rate of SYNs to one address and port, such as "5k/s"')
  if (rate >= RATES.min && rate <= RATES.max) return { rate }
  return void refuse(context, at, `a rate from ${RATES.min}/s to ${RATES.max / 1e6}M/s`)
}

function tryRate(text: string): number | undefined {
  try {
    return parseRate(text)
  } catch (error) {
    if (error instanceof RuleError) return undefined
    throw error
  }
}

/** For plans and status: `off`, `always`, `above 5000 SYN/s`. */
export function formatSynCookies(synCookies: SynCookies | undefined): string {
  if (synCookies === undefined) return 'off'
  return synCookies.rate === 0 ? 'always' : `above ${synCookies.rate} SYN/s`
}
