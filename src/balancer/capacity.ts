import type { z } from 'zod'
import { refuse } from '../entry/schema.ts'
import type { DesiredBackend } from './desired.ts'
import { keysOf } from './keys.ts'
import { limits, ROW_BYTES } from './limits.ts'
import { poolsOf } from './pools.ts'
import type { Placed } from './service-conflicts.ts'
import { formatShapes, shapesOf } from './shapes.ts'

/** Refuses what the data plane has no room for. */
export function refuseExcess(
  context: z.RefinementCtx,
  placed: readonly Placed[],
  backends: readonly DesiredBackend[],
  buckets: number,
): void {
  refuseKeys(context, placed)
  refuseShapes(context, placed)
  refuseTables(context, placed, buckets)
  refuseShortTables(context, placed, backends, buckets)
}

function refuseKeys(context: z.RefinementCtx, placed: readonly Placed[]): void {
  const keys = keysOf(placed.map(({ service }) => service)).length
  if (keys <= limits.keys) return
  refuse(
    context,
    ['services'],
    `at most ${limits.keys} keys: one for each address, protocol and port, and one for each address and protocol`,
    {
      found: `${keys} keys`,
      remedy: 'use ports: all for services of many ports',
    },
  )
}

/** Names the first service that brings one kind too many. */
function refuseShapes(context: z.RefinementCtx, placed: readonly Placed[]): void {
  for (const family of [4, 6] as const) {
    const shapes = shapesOf(placed.map(({ service }) => service))[family]
    if (shapes.length <= limits.shapes) continue
    const count = (upTo: number) => shapesOf(placed.slice(0, upTo + 1).map(({ service }) => service))[family].length
    const { index } = placed.find((_, at) => count(at) > limits.shapes)!
    refuse(
      context,
      ['services', index, 'address'],
      `at most ${limits.shapes} kinds of IPv${family} services, each of which costs every packet a look-up`,
      {
        found: `${shapes.length} kinds: ${formatShapes(shapes)}`,
        remedy: 'use fewer lengths of prefixes, or fewer of them both with a port and with all ports',
      },
    )
  }
}

function refuseTables(context: z.RefinementCtx, placed: readonly Placed[], buckets: number): void {
  const pools = poolsOf(placed.map(({ service }) => service)).length
  if (pools * buckets * ROW_BYTES <= limits.tables) return
  const most = 2 ** Math.floor(Math.log2(limits.tables / (pools * ROW_BYTES)))
  refuse(context, ['buckets'], `bucket tables of at most ${limits.tables >> 20} MiB`, {
    found: `${pools} tables (one for each set of backends) of ${buckets} rows of ${ROW_BYTES} bytes, ${Math.ceil((pools * buckets * ROW_BYTES) / 2 ** 20)} MiB`,
    remedy: `set buckets to ${most} or less, or give more services the same backends`,
  })
}

function refuseShortTables(
  context: z.RefinementCtx,
  placed: readonly Placed[],
  backends: readonly DesiredBackend[],
  buckets: number,
): void {
  const drained = new Set(backends.filter(({ weight }) => weight === 0).map(({ name }) => name))
  const used = placed.map(({ service }) => service.backends.filter((name) => !drained.has(name)).length)
  const most = Math.max(0, ...used)
  if (most <= buckets) return
  const remedy = `set buckets to ${2 ** Math.ceil(Math.log2(most))} or more`
  refuse(context, ['buckets'], `a row at least for each of ${most} backends`, { found: `${buckets} rows`, remedy })
}
