import { Backend, Outcome } from '../generated/balancer.ts'
import { addressBits, formatAddress } from '../net/address.ts'
import { formatPrefix, type Prefix } from '../net/prefix.ts'
import type { DesiredBalancer } from './desired.ts'
import { readFlowCount, readSum } from './flow-count.ts'
import type { LiveBalancer } from './live.ts'
import type { Manifest } from './manifest.ts'
import { namesOf } from './numbering.ts'
import type { BackendState, BackendStatus, BalancerStatus, ServiceStatus, Share } from './types.ts'

/** Maps that the data plane reads or counts in. */
const MAPS = ['services', 'backends', 'buckets', 'server_ids', 'service_counts', 'backend_counts', 'outcomes'] as const

export function balancerStatus(live: LiveBalancer): BalancerStatus {
  const { manifest, desired } = live
  const { version, conductor } = live.state
  const outcomes = live.map('outcomes')
  return {
    ...(manifest.self === undefined ? {} : { self: manifest.self }),
    version,
    ...(conductor === undefined ? {} : { conductor }),
    services: desired.services.length,
    backends: desired.backends.length,
    pools: manifest.pools.length,
    buckets: desired.buckets,
    bytes: MAPS.map((name) => bytesOf(live, name)).reduce((sum, bytes) => sum + bytes, 0),
    outcomes: Object.fromEntries(
      Object.entries(Outcome).map(([name, index]) => [kebab(name), readSum(outcomes, index)]),
    ),
  }
}

function bytesOf(live: LiveBalancer, name: string): number {
  const { maxEntries, rawSize } = live.map(name)
  return maxEntries * Math.ceil(rawSize / 8) * 8
}

/** `bad-ip-length` of `BadIpLength` */
const kebab = (name: string): string => name.replaceAll(/(?!^)[A-Z]/g, '-$&').toLowerCase()

export function serviceStatus(live: LiveBalancer): ServiceStatus[] {
  const { manifest, desired } = live
  const tables = manifest.pools.map((_, pool) => countOwners(live.rows(pool)))
  const { dead, factors } = live.state
  const counts = live.map('service_counts')
  return desired.services.map((service) => {
    const pool = manifest.pools.findIndex(({ services }) => services.includes(service.id))
    const { owners, inTransition } = tables[pool]!
    const { id, prefix, protocols, ports, encapsulation, quic, fragments, backends } = service
    const shares = backends.map((backend): Share => {
      const { buckets = 0, previous = 0 } = owners.get(manifest.backends[backend]!) ?? {}
      const down = dead[pool]?.includes(backend) ?? false
      return { backend, buckets, previous, down, factor: factors[pool]?.[backend] ?? 1 }
    })
    return {
      id,
      address: formatService(prefix),
      protocols,
      ports,
      encapsulation,
      quic,
      fragments,
      buckets: desired.buckets,
      inTransition,
      shares,
      count: readFlowCount(counts, manifest.services[id]!),
    }
  })
}

function formatService(prefix: Prefix): string {
  const { family, value, length } = prefix
  return length === addressBits[family] ? formatAddress({ family, value }) : formatPrefix(prefix)
}

export interface Owned {
  readonly buckets: number
  readonly previous: number
}

/** Rows by the number of their owner, and how many have a previous one. */
export function countOwners(rows: Uint16Array): { owners: ReadonlyMap<number, Owned>; inTransition: number } {
  const owners = new Map<number, { buckets: number; previous: number }>()
  const of = (number: number) => {
    const known = owners.get(number)
    if (known !== undefined) return known
    const fresh = { buckets: 0, previous: 0 }
    owners.set(number, fresh)
    return fresh
  }
  let inTransition = 0
  for (let at = 0; at < rows.length; at += 2) {
    of(rows[at]!).buckets++
    if (rows[at + 1] === 0) continue
    of(rows[at + 1]!).previous++
    inTransition++
  }
  return { owners, inTransition }
}

/** @param failures of checks, by backend and service */
export function backendStatus(
  live: LiveBalancer,
  failures: ReadonlyMap<string, Readonly<Record<string, string>>> = new Map(),
): BackendStatus[] {
  const { manifest, desired } = live
  const tables = manifest.pools.map((_, pool) => countOwners(live.rows(pool)).owners)
  const state = live.state
  const counts = live.map('backend_counts')
  const backends = live.map('backends').mmap()
  const view = new DataView(backends.buffer, backends.byteOffset)
  return desired.backends.map(({ name, address, weight, serverId }) => {
    const number = manifest.backends[name]!
    const owned = (what: keyof Owned): number =>
      tables.reduce((sum, owners) => sum + (owners.get(number)?.[what] ?? 0), 0)
    const pools = manifest.pools.flatMap((pool, index) => (pool.backends.includes(name) ? [index] : []))
    const down = pools.length > 0 && pools.every((pool) => state.dead[pool]?.includes(name))
    const previous = owned('previous')
    return {
      name,
      address: formatAddress(address),
      self: manifest.self === name,
      weight,
      state: stateOf({
        down,
        drained: weight === 0 || state.drained.includes(name),
        previous,
        buckets: owned('buckets'),
      }),
      serverId,
      buckets: owned('buckets'),
      previous,
      resolved: manifest.self === name || Backend.read(view, number * Backend.size).resolved,
      failures: failures.get(name) ?? {},
      count: readFlowCount(counts, number),
    }
  })
}

function stateOf(of: { down: boolean; drained: boolean; previous: number; buckets: number }): BackendState {
  if (of.down) return 'down'
  if (!of.drained) return 'active'
  return of.previous > 0 || of.buckets > 0 ? 'draining' : 'drained'
}

/** Names of backends that rows have, but a configuration has not. */
export function lingering(
  { backends }: Pick<Manifest, 'backends'>,
  desired: DesiredBalancer,
  tables: readonly Uint16Array[],
): string[] {
  const names = namesOf(backends)
  const used = new Set(tables.flatMap((rows) => [...countOwners(rows).owners.keys()]))
  const wanted = new Set(desired.backends.map(({ name }) => name))
  return [...used].flatMap((number) => {
    const name = names.get(number)
    return name === undefined || wanted.has(name) ? [] : [name]
  })
}
