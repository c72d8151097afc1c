import type { DesiredBackend } from '../desired.ts'
import type { Pool } from '../pools.ts'

/**
 * Backends that are dead for a pool: those that fail the check of any of its services, for all of them move together. A check that all
 * backends fail says nothing about who is better, so nobody is dead by it; and if none is left, nobody is dead.
 *
 * @param isDown whether a backend fails the check of a service
 */
export function deadOf(
  { backends, services }: Pool,
  weights: Pick<ReadonlyMap<string, DesiredBackend['weight']>, 'get'>,
  isDown: (service: string, backend: string) => boolean,
): string[] {
  const takers = backends.filter((backend) => weights.get(backend) !== 0)
  const failing = services
    .map((service) => new Set(backends.filter((backend) => isDown(service, backend))))
    .filter((down) => takers.some((backend) => !down.has(backend)))
  const dead = backends.filter((backend) => failing.some((down) => down.has(backend)))
  return takers.every((backend) => dead.includes(backend)) ? [] : dead
}
