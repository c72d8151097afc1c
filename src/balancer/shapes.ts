import type { Prefix } from '../net/prefix.ts'
import type { DesiredService } from './desired.ts'

/** A kind of key: the data plane looks for each of them in turn. */
export interface Shape {
  /** Bits of the prefix. */
  readonly length: number
  /** The key holds for every port. */
  readonly anyPort: boolean
}

/** The kinds of keys of each family. */
export type Shapes = Readonly<Record<4 | 6, readonly Shape[]>>

/** What a service's kind of key depends on. */
export type Shaped = Pick<DesiredService, 'ports'> & { readonly prefix: Pick<Prefix, 'family' | 'length'> }

/**
 * The kinds of keys that services have, the most specific first: longest prefix, then a port before any port. A configuration with
 * more than `limits.shapes` of a family is refused.
 */
export function shapesOf(services: readonly Shaped[]): Shapes {
  return { 4: shapesOfFamily(services, 4), 6: shapesOfFamily(services, 6) }
}

function shapesOfFamily(services: readonly Shaped[], family: 4 | 6): Shape[] {
  const shapes = new Map<number, Shape>()
  for (const { prefix, ports } of services) {
    if (prefix.family !== family) continue
    const anyPort = ports === 'all'
    shapes.set(2 * prefix.length + (anyPort ? 0 : 1), { length: prefix.length, anyPort })
  }
  return [...shapes].sort(([a], [b]) => b - a).map(([, shape]) => shape)
}

/** `/32 with a port, /24 with all ports` */
export function formatShapes(shapes: readonly Shape[]): string {
  return shapes.map(({ length, anyPort }) => `/${length} with ${anyPort ? 'all ports' : 'a port'}`).join(', ')
}
