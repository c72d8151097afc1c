import { Random } from '../arbitraries/random.ts'
import { corpusServices } from './balancer-corpus.ts'
import { Plane, SELF4 } from './balancer-plane.ts'
import { worldOf } from './balancer-world.ts'

export const SELF = 3
const MTU = 1500

const ADDRESSES = ['10.9.0.1', '2001:db8:9::1', SELF4, '10.9.0.4', '2001:db8:9::5', '10.9.0.6'] as const

/** What outputs may name. */
export const corpusWorld = worldOf(
  ADDRESSES.map((address) => ({ address })),
  MTU,
)

/** A plane for packets of the corpus: rows with owners of either family, this machine among them, in transition and not, and without any. */
export async function corpusPlane(): Promise<Plane> {
  const backends = ADDRESSES.map((address) => ({ address, mtu: MTU }))
  const config = { tooBigBurst: 1_000_000 }
  const plane = await Plane.create({ services: corpusServices, backends, self: SELF, config })
  const random = new Random(4)
  const owner = (): number => random.weighted([70, random.int(1, ADDRESSES.length)], [25, SELF], [5, 0])
  for (const pool of [0, 1])
    plane.fillWith(pool, () => ({ current: owner(), previous: random.chance(0.5) ? 0 : owner() }))
  for (const server of [1, 2, 4, 5, SELF]) plane.setServer(server, server)
  return plane
}
