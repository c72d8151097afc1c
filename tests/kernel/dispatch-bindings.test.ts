import assert from 'node:assert/strict'
import type { Socket } from 'node:dgram'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { Program } from '../../src/bpf/index.ts'
import { findConflicts } from '../../src/dispatch/conflicts.ts'
import { type Binding, findBindings, formatMatch, type Target } from '../../src/dispatch/index.ts'
import { LiveDispatch } from '../../src/dispatch/live.ts'
import { defaultPolicy } from '../../src/dispatch/policy.ts'
import { descriptorOf } from '../../src/linux/node-sockets.ts'
import { readSocketFacts } from '../../src/linux/socket-facts.ts'
import { type Address, parseAddress } from '../../src/net/address.ts'
import { prefixOf } from '../../src/net/prefix.ts'
import { Random } from '../arbitraries/random.ts'
import { lookUp } from '../support/sk-lookup.ts'
import { tcpServerIn, udpSocketIn } from '../support/sockets.ts'
import { DispatchWorld } from './dispatch-world.ts'

const LABELS = ['a', 'b', 'c', 'd', 'e', 'f']
const ADDRESSES = ['192.0.2.1', '192.0.2.130', '198.51.100.7', '2001:db8::1', '2001:db8:0:8000::9', 'fd00::1'].map(
  parseAddress,
)
const PORTS = [1, 53, 80, 443, 1_023, 1_024, 8_080, 20_000, 49_999, 65_535]

/** Set SEAWALL_LOOKUPS for fewer. */
const LOOKUPS = Number(process.env.SEAWALL_LOOKUPS ?? 100_000)
const LOOKUPS_A_SET = 1_000

/** Sockets of this process, by label, protocol and family. */
class LabelSockets implements Disposable {
  readonly cookies = new Map<string, bigint>()
  readonly #open: (Socket | Server)[] = []

  async register(world: DispatchWorld): Promise<void> {
    for (const label of LABELS) {
      const sockets = [
        udpSocketIn(world.netns, 0, '127.0.0.1'),
        udpSocketIn(world.netns, 0, '::1'),
        // Takes IPv4 as well.
        tcpServerIn(world.netns, 0),
      ]
      this.#open.push(...sockets)
      const descriptors = sockets.map(descriptorOf)
      for (const fd of descriptors) {
        const { protocol, family, cookie, dualStack } = readSocketFacts(fd)!
        this.cookies.set(`${label} ${protocol}${family}`, cookie)
        if (dualStack) this.cookies.set(`${label} ${protocol}4`, cookie)
      }
      await world.dispatch.register(
        label,
        descriptors.map((fd) => ({ fd })),
      )
    }
  }

  [Symbol.dispose](): void {
    for (const socket of this.#open) socket.close()
  }
}

function randomBindings(random: Random): Binding[] {
  const bindings: Binding[] = []
  for (let tries = 0; tries < 60; tries++) {
    const binding: Binding = {
      label: random.pick(LABELS),
      protocol: random.pick(['tcp', 'udp']),
      prefix: randomPrefix(random),
      ports: randomPorts(random),
      ...defaultPolicy,
      missing: random.pick(['drop', 'pass']),
      spread: random.pick(['client', 'round-robin', 'kernel']),
    }
    if (findConflicts([...bindings, binding]).length === 0) bindings.push(binding)
  }
  return bindings
}

function randomPrefix(random: Random) {
  const address = random.pick(ADDRESSES)
  const bits = address.family === 4 ? 32 : 128
  return prefixOf(address, random.pick([0, bits, bits - random.int(0, 11), random.int(0, bits)]))
}

function randomPorts(random: Random) {
  const [a, b] = [random.pick(PORTS), random.pick(PORTS)]
  return random.pick([
    { from: 0, to: 65_535 },
    { from: a, to: a },
    { from: Math.min(a, b), to: Math.max(a, b) },
  ])
}

function randomTarget(random: Random): Target {
  const near: Address = random.pick(ADDRESSES)
  const flipped =
    random.int(0, 2) === 0 ? near.value ^ (1n << BigInt(random.int(0, near.family === 4 ? 31 : 127))) : near.value
  return {
    protocol: random.pick(['tcp', 'udp']),
    address: { family: near.family, value: flipped },
    port: random.int(0, 1) === 0 ? random.pick(PORTS) : random.int(1, 65_535),
  }
}

test('the program finds the socket that findBindings() names, for random bindings and look-ups', async () => {
  await using world = new DispatchWorld()
  using sockets = new LabelSockets()
  await sockets.register(world)
  const random = new Random(5)
  let found = 0
  for (let done = 0; done < LOOKUPS; done += LOOKUPS_A_SET) {
    const bindings = randomBindings(random)
    await world.dispatch.replaceDynamic(bindings)
    using live = LiveDispatch.require(world.paths)
    using program = Program.openPinned(join(live.folder, 'program'))
    for (let i = 0; i < LOOKUPS_A_SET; i++) {
      const target = randomTarget(random)
      const [winner] = findBindings(bindings, target)
      const { family } = target.address
      const wanted = winner === undefined ? 'pass' : sockets.cookies.get(`${winner.label} ${winner.protocol}${family}`)
      if (winner !== undefined) found++
      const what = () => `${JSON.stringify(target, (_, value) => (typeof value === 'bigint' ? `${value}` : value))}`
      assert.equal(lookUp(program, target), wanted, `${what()} of ${bindings.map(formatMatch).join(', ')}`)
    }
  }
  assert.ok(found > LOOKUPS / 4, `only ${found} look-ups had a binding`)
})

test('100,000 bindings are put in force at once, and each is found', async () => {
  await using world = new DispatchWorld()
  using sockets = new LabelSockets()
  await sockets.register(world)
  const base = parseAddress('10.0.0.0').value
  const bindings = Array.from({ length: 100_000 }, (_, index): Binding => {
    const prefix = { family: 4, value: base + BigInt(index), length: 32 } as const
    return { label: LABELS[index % 6]!, protocol: 'udp', prefix, ports: { from: 53, to: 53 }, ...defaultPolicy }
  })
  assert.deepEqual(await world.dispatch.replaceDynamic(bindings), { added: 100_000, removed: 0, bindings: 100_000 })
  using live = LiveDispatch.require(world.paths)
  using program = Program.openPinned(join(live.folder, 'program'))
  const random = new Random(6)
  for (let i = 0; i < 2_000; i++) {
    const index = random.int(0, 100_001)
    const address = { family: 4, value: base + BigInt(index) } as const
    const wanted = index < 100_000 ? sockets.cookies.get(`${LABELS[index % 6]} udp4`) : 'pass'
    assert.equal(lookUp(program, { protocol: 'udp', address, port: 53 }), wanted)
  }
  const counted = await world.dispatch.bindings()
  const sum = counted.reduce((all, { count }) => all + count, 0)
  const { destinations } = world.dispatch.status()
  assert.equal(
    destinations.reduce((all, { dispatched }) => all + dispatched, 0),
    sum,
  )
  assert.ok(sum > 1_900)
})
