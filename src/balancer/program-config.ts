import type { Config, Shape as ConfigShape } from '../generated/balancer.ts'
import type { DesiredBalancer } from './desired.ts'
import type { Identity } from './identity.ts'
import type { Numbering } from './numbering.ts'
import { type Shape, shapesOf } from './shapes.ts'

/** Shapes that the data plane has room for, of each family. */
const SHAPES = 8

/** Constants by which a flow finds its service and bucket. `slots`: of the map `services`. */
export function flowConfig({ key, buckets, services }: DesiredBalancer, slots: number) {
  const view = new DataView(key.buffer, key.byteOffset)
  const shapes = shapesOf(services)
  return {
    key: [view.getBigUint64(0, true), view.getBigUint64(8, true)],
    bucketMask: buckets - 1,
    serviceMask: slots - 1,
    shapes4: configShapes(shapes[4]),
    shapes4Count: shapes[4].length,
    shapes6: configShapes(shapes[6]),
    shapes6Count: shapes[6].length,
  }
}

/** Constants of the data plane's program. */
export function programConfig(
  desired: DesiredBalancer,
  { self, self4, self6 }: Identity,
  { backends, slots }: { readonly backends: Numbering; readonly slots: number },
): Partial<Config> {
  return {
    ...flowConfig(desired, slots),
    self: self === undefined ? 0 : backends[self]!,
    self4,
    self6,
    guePort: desired.guePort,
  }
}

function configShapes(shapes: readonly Shape[]): ConfigShape[] {
  return Array.from({ length: SHAPES }, (_, index) => {
    const { length, anyPort } = shapes[index] ?? { length: 0, anyPort: false }
    return { mask: maskOf(length), length, anyPort: anyPort ? 1 : 0 }
  })
}

/** 16 bytes, of which the first `length` bits are set. */
function maskOf(length: number): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, at) => (0xff00 >> Math.min(Math.max(length - at * 8, 0), 8)) & 0xff)
}
