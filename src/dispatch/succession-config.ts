import { constants } from 'node:os'
import { formatDuration } from '../entry/duration.ts'
import { Fields } from '../entry/fields.ts'
import { isObject } from '../entry/schema.ts'
import { type ProbeConfig, readProbe } from '../probes/index.ts'
import type { DesiredSuccession, Ready } from './desired.ts'

/** How the runs of a server follow each other: the key `generations` of a label. */
export interface SuccessionConfig {
  /**
   * When a new run gets what is new: as soon as it has sockets (`listening`, the default), when it says so (`notify`: sd_notify's READY=1), or when
   * a probe of its own sockets succeeds.
   */
  readonly ready?: 'listening' | 'notify' | ProbeConfig
  /** Signal for the run before once it gets nothing new any more, such as SIGQUIT; default none. */
  readonly drain?: string
  /** Signal for it once its connections and flows have ended; default none. */
  readonly stop?: string
  /** With `stop`: time after which that comes in any case, such as `10m`; default never. */
  readonly limit?: string
}

const LIMIT = { from: 1_000, to: 86_400_000 }
const WANTED_READY = 'listening, notify, or a probe such as { http: "/health" } or { command: [...] }'

/** Reads the key `generations` of a label, whose server is at a port if that is known. */
export function readSuccession(fields: Fields, label: string, port: number | undefined): DesiredSuccession | undefined {
  const value = fields.get('generations')
  if (value === undefined) return undefined
  if (!isObject(value))
    return fields.refuse(['generations'], 'an object such as { ready: "listening", drain: "SIGQUIT" }')
  const own = new Fields(fields.context, value, ['ready', 'drain', 'stop', 'limit'], fields.path('generations'))
  const [drain, stop] = [readSignal(own, 'drain'), readSignal(own, 'stop')]
  const limitMs = own.has('limit') ? own.duration('limit', LIMIT, LIMIT.from) : undefined
  if (limitMs !== undefined && !own.has('stop')) own.refuse(['limit'], 'stop, too: the signal that comes then')
  return {
    label,
    ready: readReady(own, port),
    ...(drain === undefined ? {} : { drain }),
    ...(stop === undefined ? {} : { stop }),
    ...(limitMs === undefined ? {} : { limitMs }),
  }
}

function readReady(fields: Fields, port: number | undefined): Ready {
  const value = fields.get('ready') ?? 'listening'
  if (value === 'listening' || value === 'notify') return value
  const context = { wanted: WANTED_READY, keys: [], ...(port === undefined ? {} : { port }) }
  return readProbe(fields.context, value, fields.path('ready'), context)?.probe ?? 'listening'
}

function readSignal(fields: Fields, key: 'drain' | 'stop'): NodeJS.Signals | undefined {
  const value = fields.get(key)
  if (value === undefined || (typeof value === 'string' && Object.hasOwn(constants.signals, value)))
    return value as NodeJS.Signals | undefined
  return fields.refuse([key], 'a signal such as SIGQUIT or SIGTERM')
}

/** `new runs when a probe by http succeeds, SIGQUIT when they are replaced`. */
export function formatSuccession({ ready, drain, stop, limitMs }: DesiredSuccession): string {
  const when = { listening: 'when they listen', notify: 'when they say so' }
  return [
    `new runs ${typeof ready === 'string' ? when[ready] : `when a probe by ${ready.kind} succeeds`}`,
    ...(drain === undefined ? [] : [`${drain} when they are replaced`]),
    ...(stop === undefined ? [] : [`${stop} when they are idle`]),
    ...(limitMs === undefined ? [] : [`or after ${formatDuration(limitMs)}`]),
  ].join(', ')
}
