import type { z } from 'zod'
import type { At } from '../entry/schema.ts'
import { type ProbeConfig, readProbe } from '../probes/index.ts'
import type { DesiredCheck, DesiredService } from './desired.ts'

interface Timing {
  /** Time from one check to the next, such as `2s`. */
  readonly every?: string
  /** Time for an answer, such as `1s`. */
  readonly timeout?: string
  /** Successes in a row that bring a backend back. */
  readonly rise?: number
  /** Failures in a row that take it out. */
  readonly fall?: number
}

/** How it is found out that a backend serves a service; the port is the service's first one if absent. */
export type CheckConfig = Timing & ProbeConfig

const TIMING = ['every', 'timeout', 'rise', 'fall']

const EVERY = { from: 100, to: 3_600_000 }
const COUNTS = { from: 1, to: 100 }
const WANTED =
  'a check such as { tcp: true }, { http: "/health" }, { dns: "example.com" }, { udp: "ping" } or { command: [...] }'

/** Reads a check of a service with such ports; undefined, and an issue added, if it cannot be read. */
export function readCheck(
  context: z.RefinementCtx,
  value: unknown,
  at: At,
  ports: DesiredService['ports'],
): DesiredCheck | undefined {
  const port = ports === 'all' ? undefined : ports[0]
  const read = readProbe(context, value, at, { wanted: WANTED, keys: TIMING, ...(port === undefined ? {} : { port }) })
  if (read === undefined) return undefined
  const { probe, fields } = read
  const everyMs = fields.duration('every', EVERY, 2_000)
  const timeoutMs = fields.duration('timeout', { from: 10, to: everyMs }, Math.min(1_000, everyMs))
  const rise = fields.number('rise', COUNTS, 2)
  const fall = fields.number('fall', COUNTS, 3)
  return probe === undefined || fields.failed ? undefined : { probe, everyMs, timeoutMs, rise, fall }
}
