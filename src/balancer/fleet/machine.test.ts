import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Simulation } from '../../../tests/support/fleet-simulation.ts'
import { stampOf } from './document.ts'
import { defaultTiming } from './peers.ts'

const timing = { ...defaultTiming, transitionMs: Number.POSITIVE_INFINITY }

/** Names of the tables of all agents, and of their kernels. */
function tables(simulation: Simulation): Set<string> {
  const documents = simulation.servers.flatMap(({ machine, table }) => [machine?.document, table])
  return new Set(documents.map((document) => JSON.stringify(document && stampOf(document))))
}

/** Something that befalls a fleet. */
interface Trouble {
  readonly kind: 'partition' | 'one-way' | 'kill' | 'quiet'
  /** A bit a server: which side it is on, or whether it is hit. */
  readonly which: number
  readonly forMs: number
}

const trouble: fc.Arbitrary<Trouble> = fc.record({
  kind: fc.constantFrom('partition', 'one-way', 'kill', 'quiet'),
  which: fc.nat(31),
  forMs: fc.integer({ min: 500, max: 20_000 }),
})

function befall(
  simulation: Simulation,
  { kind, which, forMs }: typeof trouble extends fc.Arbitrary<infer T> ? T : never,
): void {
  const side = (name: string) => (which >> Number(name.slice(6))) & 1
  const victims = simulation.servers.filter(({ name }) => side(name) === 1)
  if (kind === 'partition') simulation.reaches = (from, to) => side(from) === side(to)
  if (kind === 'one-way') simulation.reaches = (from, to) => side(from) <= side(to)
  if (kind === 'kill') for (const server of victims) simulation.kill(server)
  simulation.run(forMs)
  simulation.reaches = () => true
  for (const server of victims) simulation.start(server)
}

/** Kills an agent for some time, but not in the moment in which a decision is on its way to it. */
function killOne(simulation: Simulation, forMs: number): void {
  const victim = simulation.pick(simulation.servers)
  simulation.runUntilAgreed(10_000)
  simulation.kill(victim)
  simulation.moving = false
  simulation.run(Math.min(forMs, 2 * timing.silentMs))
  simulation.moving = true
  simulation.run(Math.max(0, forMs - 2 * timing.silentMs))
  simulation.start(victim)
  simulation.run(15_000)
}

describe('Machine', () => {
  test('all who can talk end at one table after partitions, restarts, losses and reordering; versions never go back', () => {
    const run = fc.record({
      machines: fc.integer({ min: 1, max: 5 }),
      seed: fc.nat(),
      loss: fc.double({ min: 0, max: 0.3, noNaN: true }),
      troubles: fc.array(trouble, { maxLength: 5 }),
    })
    fc.assert(
      fc.property(run, ({ machines, seed, loss, troubles }) => {
        const simulation = new Simulation({ machines, seed, loss, timing })
        simulation.connect(200)
        simulation.run(10_000)
        for (const one of troubles) befall(simulation, one)
        simulation.moving = false
        simulation.run(60_000)
        assert.deepEqual(simulation.violations, [])
        assert.equal(tables(simulation).size, 1)
        assert.notEqual(simulation.servers[0]?.table, undefined)
      }),
      { numRuns: 150 },
    )
  })

  test('machines that reach each other only through others end at one table too', () => {
    const run = fc.record({
      seed: fc.nat(),
      /** Each but the first reaches one before it; the order of their names is another. */
      links: fc.tuple(...[1, 2, 3, 4].map((count) => fc.nat(count - 1))),
      order: fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }),
    })
    fc.assert(
      fc.property(run, ({ seed, links, order }) => {
        const simulation = new Simulation({ machines: 5, seed, loss: 0.05, timing })
        const pairs = links.map((before, index) => [`server${order[before]}`, `server${order[index + 1]}`])
        simulation.run(seed % 2 === 0 ? 10_000 : 0)
        simulation.reaches = (from, to) => pairs.some((pair) => pair.includes(from) && pair.includes(to))
        simulation.run(20_000)
        simulation.moving = false
        simulation.run(60_000)
        assert.deepEqual(simulation.violations, [])
        assert.equal(tables(simulation).size, 1)
      }),
      { numRuns: 100 },
    )
  })

  test('no connection is lost while agents die and come back and messages are lost, and slots are freed meanwhile', () => {
    const seen = { releases: 0, secondHops: 0, broken: 0 }
    for (let seed = 1; seed <= 30; seed++) {
      const simulation = new Simulation({ machines: 2 + (seed % 4), seed, loss: 0.01, timing })
      simulation.run(10_000)
      simulation.connect(100)
      for (let round = 0; round < 6; round++) killOne(simulation, round % 2 === 0 ? 1_000 : 12_000)
      assert.deepEqual(simulation.violations, [])
      for (const key of ['releases', 'secondHops', 'broken'] as const) seen[key] += simulation.seen[key]
    }
    assert.ok(seen.releases > 100 && seen.secondHops > 1_000, JSON.stringify(seen))
    assert.equal(seen.broken, 0)
  })
})
