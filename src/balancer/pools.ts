import type { DesiredService } from './desired.ts'

/** Services with the same backends share one table of buckets. */
export interface Pool {
  /** Names of the backends, sorted. */
  readonly backends: readonly string[]
  /** Ids of the services. */
  readonly services: readonly string[]
}

/** Pools of services, in the order in which their first services stand. */
export function poolsOf(services: readonly Pick<DesiredService, 'id' | 'backends'>[]): Pool[] {
  const pools = new Map<string, { backends: readonly string[]; services: string[] }>()
  for (const { id, backends } of services) {
    const key = backends.join(' ')
    const pool = pools.get(key)
    if (pool === undefined) pools.set(key, { backends, services: [id] })
    else pool.services.push(id)
  }
  return [...pools.values()]
}

/**
 * The pool whose table a new pool goes on from, so that flows stay where they are: that of its first service which was there
 * before. Undefined if all of its services are new.
 */
export function ancestorOf(pool: Pool, before: readonly Pool[]): number | undefined {
  for (const service of pool.services) {
    const index = before.findIndex(({ services }) => services.includes(service))
    if (index >= 0) return index
  }
  const twin = before.findIndex(({ backends }) => backends.join(' ') === pool.backends.join(' '))
  return twin < 0 ? undefined : twin
}
