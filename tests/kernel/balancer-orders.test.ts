import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../arbitraries/random.ts'
import { assertUnbroken, BalancerWorld, SERVICE4 } from './balancer-world.ts'
import { LiveFleet } from './live-fleet.ts'

const PORT = 8080
const services = [{ id: 'web', address: SERVICE4, port: PORT, protocol: 'tcp' }]
const CONNECTIONS = 150

/** Times that orders are given and then looked what came of them. Set SEAWALL_ORDERS for a longer run, and SEAWALL_SEED for other orders. */
const ROUNDS = Number(process.env.SEAWALL_ORDERS ?? 5)
const SEED = Number(process.env.SEAWALL_SEED ?? 1)

/** Longest time between two orders: a round of an agent, and some more. */
const PAUSE_MS = 1_200
/** Longest time that an agent is away: longer than the others wait for it. */
const AWAY_MS = 5_000

/** Orders to a fleet, one on the heels of the other, and what is to be in the end. */
class Orders {
  readonly #world: BalancerWorld
  readonly #fleet: LiveFleet
  readonly #random: Random
  readonly drained = new Set<string>()
  readonly said: string[] = []

  constructor(world: BalancerWorld, fleet: LiveFleet, random: Random) {
    this.#world = world
    this.#fleet = fleet
    this.#random = random
  }

  async give(): Promise<void> {
    const random = this.#random
    await sleep(random.int(0, PAUSE_MS))
    const order = random.weighted<() => Promise<void>>(
      [3, () => this.#wish()],
      [2, () => this.#apply()],
      [1, () => this.#addRule()],
      [1, () => this.#restart('stop')],
      [1, () => this.#restart('kill')],
    )
    await order()
  }

  async #wish(): Promise<void> {
    const { drained } = this
    const [edge, backend] = [this.#edge(), this.#edge()]
    const kind = drained.has(backend) ? 'undrain' : 'drain'
    // Somebody has to be left.
    if (kind === 'drain' && drained.size === this.#world.edges.length - 1) return
    this.said.push(`${kind} ${backend}, at ${edge}`)
    await this.#fleet.order(edge, kind, backend)
    if (kind === 'drain') drained.add(backend)
    else drained.delete(backend)
  }

  async #apply(): Promise<void> {
    const weights = Object.fromEntries(this.#world.edges.map((edge) => [edge, this.#random.int(1, 3)]))
    this.said.push(`apply ${JSON.stringify(weights)}`)
    this.#fleet.configure({ backends: this.#world.backends(weights) })
    await Promise.all(this.#world.edges.map((edge) => this.#fleet.apply(edge)))
  }

  /** Another generation, with the same balancer. */
  async #addRule(): Promise<void> {
    const edge = this.#edge()
    this.said.push(`add a rule at ${edge}`)
    await this.#world.agent(edge).drop('ip.src == 192.0.2.77')
  }

  async #restart(how: 'stop' | 'kill'): Promise<void> {
    const edge = this.#edge()
    this.said.push(`${how} the agent of ${edge}`)
    await this.#fleet[how](edge)
    await sleep(this.#random.int(0, AWAY_MS))
    await this.#fleet.start(edge)
  }

  #edge(): string {
    return this.#random.pick(this.#world.edges)
  }
}

test(`Fleet does what it was told last, whoever was told and what else happened, and keeps all connections (seed ${SEED})`, async () => {
  using world = await BalancerWorld.build(3)
  await world.serve(PORT)
  const fleet = new LiveFleet(world, { services, backends: world.backends() })
  await Promise.all(world.edges.map((edge) => fleet.start(edge)))
  await world.untilAgreed('all agree', world.edges, ({ version }) => version > 0)
  const talkers = world.talkers({ host: SERVICE4, port: PORT })
  await talkers.open(CONNECTIONS)

  const random = new Random(SEED)
  const orders = new Orders(world, fleet, random)
  for (let round = 1; round <= ROUNDS; round++) {
    for (let left = random.int(1, 3); left > 0; left--) await orders.give()
    const wanted = [...orders.drained].sort()
    const what = `after ${orders.said.join('; ')}: ${wanted.join(', ') || 'nobody'} drained everywhere`
    await world.untilAgreed(what, world.edges, ({ drained }) => String(drained) === String(wanted))
    await assertUnbroken(talkers, what)
  }
})
