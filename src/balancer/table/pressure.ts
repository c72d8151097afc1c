import type { Load } from '../fleet/messages.ts'

/** Added to each share of use, so that idle machines, of which one may be twice as idle, are much alike. */
const IDLE_USE = 0.1

/** Added to each count, so that few connections, which differ by chance, are much alike. */
const FEW_CONNECTIONS = 16

/**
 * How hard each backend is pressed, as far as they can be compared: by processors and accept queues together if all that say something
 * say how busy their processors are, else by connections in proportion to weight if all say that, else not at all.
 *
 * @returns positive numbers, of which only the ratios mean something.
 */
export function pressuresOf(
  loads: ReadonlyMap<number, Load>,
  weights: ReadonlyMap<number, number>,
): Map<number, number> {
  const known = [...loads].filter(([backend]) => (weights.get(backend) ?? 0) > 0)
  if (known.every(([, { cpu }]) => cpu !== undefined))
    return new Map(known.map(([backend, { cpu = 0, acceptQueue = 0 }]) => [backend, IDLE_USE + cpu + acceptQueue]))
  if (known.some(([, { connections }]) => connections === undefined)) return new Map()
  const mean = known.reduce((sum, [backend]) => sum + weights.get(backend)!, 0) / known.length
  return new Map(
    known.map(([backend, { connections = 0 }]) => [
      backend,
      ((connections + FEW_CONNECTIONS) * mean) / weights.get(backend)!,
    ]),
  )
}
