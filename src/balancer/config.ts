import * as z from 'zod'
import { Fields } from '../entry/fields.ts'
import { isObject, refuse } from '../entry/schema.ts'
import { type BackendConfig, readBackends } from './backend-config.ts'
import { refuseExcess } from './capacity.ts'
import type { DesiredBalancer, DesiredFleet } from './desired.ts'
import { type FleetConfig, readFleet } from './fleet-config.ts'
import { readKey } from './key.ts'
import { limits } from './limits.ts'
import { readService, type ServiceConfig } from './service-config.ts'
import { type Placed, refuseConflicts } from './service-conflicts.ts'

/** The `balancer` part of the configuration, the same on every machine of a fleet. */
export interface BalancerConfig {
  /** Key of the hash of flows, 32 hexadecimal digits made at random: `openssl rand -hex 16`. */
  readonly key: string
  /** Servers by name. Their order counts: the first that answers decides for the fleet. */
  readonly backends: Readonly<Record<string, BackendConfig>>
  readonly services: readonly ServiceConfig[]
  /** Rows of a bucket table, a power of two from 256 to 1,048,576; 16,384 if absent. */
  readonly buckets?: number
  /** UDP port of GUE; 6080 if absent. */
  readonly guePort?: number
  /** Time after which a bucket's previous owner is forgotten, such as `30m`; `1h` if absent. */
  readonly transition?: string
  /** Machines tell each other their tables; if absent, this one decides by itself. */
  readonly fleet?: FleetConfig
  /** Shares follow the load that backends report: a few buckets, 1/256 of a table if absent, move each time, `10s` if absent. Wants `fleet`. */
  readonly followLoad?: { readonly every?: string; readonly buckets?: number }
}

const keys = ['key', 'backends', 'services', 'buckets', 'guePort', 'transition', 'fleet', 'followLoad']

const PORTS = { from: 1, to: 65_535 }
const INTERVALS = { from: 1_000, to: 3_600_000 }
const TRANSITIONS = { from: 1_000, to: 7 * 86_400_000 }

/** Reads the parts by hand, as the firewall's do: one mistake hides no other, and services see the names of backends. */
export const balancerSchema = z
  .record(z.string(), z.unknown(), { error: 'an object with key, backends and services' })
  .transform((value, context): DesiredBalancer => {
    const fields = new Fields(context, value, keys)
    const named = readBackends(context, value.backends)
    const backends = [...named.values()].filter((backend) => backend !== undefined)
    const placed = readServices(context, value.services, new Set(named.keys()))
    const buckets = readBuckets(fields)
    refuseConflicts(context, placed, backends)
    refuseExcess(context, placed, backends, buckets)
    const fleet = readFleet(context, value.fleet, backends)
    const followLoad = readFollowLoad(fields, buckets, fleet)
    return {
      key: readKey(fields),
      buckets,
      guePort: fields.number('guePort', PORTS, 6080),
      transitionMs: fields.duration('transition', TRANSITIONS, 3_600_000),
      backends,
      services: placed.map(({ service }) => service),
      ...(fleet === undefined ? {} : { fleet }),
      ...(followLoad === undefined ? {} : { followLoad }),
    }
  })

function readServices(context: z.RefinementCtx, value: unknown, names: ReadonlySet<string>): Placed[] {
  const wanted = 'a list of services such as [{ address: "192.0.2.53", port: 53, protocol: "udp" }]'
  if (!Array.isArray(value)) {
    refuse(context, ['services'], wanted)
    return []
  }
  if (value.length === 0 || value.length > limits.services)
    refuse(context, ['services'], `1 to ${limits.services} services`, { found: `${value.length}` })
  return value.flatMap((item: unknown, index) => {
    const service = readService(context, item, ['services', index], names)
    return service === undefined ? [] : [{ index, service }]
  })
}

function readBuckets(fields: Fields): number {
  const buckets = fields.number('buckets', limits.buckets, 16_384)
  if (Number.isInteger(Math.log2(buckets))) return buckets
  const [less, more] = [2 ** Math.floor(Math.log2(buckets)), 2 ** Math.ceil(Math.log2(buckets))]
  fields.refuse(['buckets'], 'a power of two', { remedy: `write ${less} or ${more}` })
  return less
}

function readFollowLoad(
  fields: Fields,
  buckets: number,
  fleet: DesiredFleet | undefined,
): DesiredBalancer['followLoad'] {
  const value = fields.get('followLoad')
  if (value === undefined) return undefined
  if (!isObject(value)) return fields.refuse(['followLoad'], 'an object such as { every: "10s", buckets: 64 }')
  if (!fields.has('fleet'))
    fields.refuse(['followLoad'], 'a fleet, as each machine reports its own load', { remedy: 'add fleet: {}' })
  if (fleet?.isOfBalancers === true)
    fields.refuse(['followLoad'], 'backends in the fleet, as each reports its own load', {
      remedy: 'remove fleet.backends',
    })
  const own = new Fields(fields.context, value, ['every', 'buckets'], ['followLoad'])
  return {
    everyMs: own.duration('every', INTERVALS, 10_000),
    buckets: own.number('buckets', { from: 1, to: buckets }, Math.max(1, buckets / 256)),
  }
}
