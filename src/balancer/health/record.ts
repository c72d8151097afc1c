import type { ProbeResult } from '../../probes/index.ts'

/** `unknown` until the first success, or enough failures; it counts as alive, for nothing says that it is not. */
export type Health = 'unknown' | 'up' | 'down'

/** What is known of a backend by the checks of one service. Times are milliseconds since 1970. */
export interface HealthRecord {
  readonly state: Health
  /** When the state began. */
  readonly since: number
  /** Results in a row that speak against the state. */
  readonly against: number
  readonly checks: number
  readonly failures: number
  /** When the last check ended. */
  readonly checkedAt?: number
  /** Milliseconds that the last success took. */
  readonly latencyMs?: number
  readonly lastFailure?: { readonly at: number; readonly reason: string }
}

/** Before the first check; `down` of a backend that somebody knows to be so. */
export function beginRecord(at: number, state: 'unknown' | 'down' = 'unknown'): HealthRecord {
  return { state, since: at, against: 0, checks: 0, failures: 0 }
}

/**
 * The record after one more check: `fall` failures in a row take a backend out, `rise` successes bring it back. For one that nothing was
 * known of the first success is enough.
 */
export function observe(
  record: HealthRecord,
  result: ProbeResult,
  { at, rise, fall }: { readonly at: number; readonly rise: number; readonly fall: number },
): HealthRecord {
  const counted = {
    ...record,
    checks: record.checks + 1,
    failures: record.failures + (result.ok ? 0 : 1),
    checkedAt: at,
    ...(result.ok ? { latencyMs: result.latencyMs } : { lastFailure: { at, reason: result.reason } }),
  }
  const to = result.ok ? 'up' : 'down'
  if (record.state === to) return { ...counted, against: 0 }
  // To something unknown a success says nothing new, nor does it make up for failures before.
  const against = record.against + 1
  const wanted = to === 'down' ? fall : record.state === 'unknown' ? 1 : rise
  return against < wanted ? { ...counted, against } : { ...counted, state: to, since: at, against: 0 }
}
