import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { LiveBalancer } from '../../src/balancer/live.ts'
import { BpfMap } from '../../src/bpf/index.ts'
import { BalancerWorld } from './balancer-world.ts'

const SERVICES = 512
const MOST = 64 * 1_000_000

/** As many services as there are pairs of these backends, each pair with a table of its own. */
function manyServices() {
  const names = Array.from({ length: 33 }, (_, index) => `s${index}`)
  const backends = Object.fromEntries(
    names.map((name, index) => [name, { address: `10.0.1.${100 + index}`, serverId: index }]),
  )
  const pairs = names.flatMap((a, index) => names.slice(index + 1).map((b) => [a, b]))
  const services = pairs.slice(0, SERVICES).map((pair, index) => ({
    address: `198.51.${100 + (index >> 8)}.${index & 255}`,
    port: 443,
    protocol: ['tcp', 'udp'],
    backends: pair,
  }))
  return { backends, services }
}

/** What the kernel charges for a map, bytes. */
function charged(pin: string): number {
  const map = BpfMap.openPinned(pin)
  try {
    return Number(/^memlock:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${map.fd}`, 'utf8'))?.[1])
  } finally {
    map.close()
  }
}

test('512 services, each with a table of its own, take at most 64 MB of the kernel', async () => {
  using world = await BalancerWorld.build(1)
  await world.apply(manyServices())
  const { pools, bytes } = (await world.control('edge1').status()).balancer!
  assert.equal(pools, SERVICES)
  const folder = LiveBalancer.find(world.paths('edge1'))!
  const maps = readdirSync(folder).filter((name) => name !== 'program' && !name.startsWith('iter'))
  const total = maps.reduce((sum, name) => sum + charged(join(folder, name)), 0)
  assert.ok(total <= MOST, `maps take ${total} bytes`)
  assert.ok(bytes <= total, `status says ${bytes}, the kernel ${total}`)
})
