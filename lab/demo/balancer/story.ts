import { setTimeout as sleep } from 'node:timers/promises'
import type { Talk } from '../../talk/messages.ts'
import type { Talkers } from '../../talk/talkers.ts'
import { startTicker } from '../ticker.ts'
import { EDGES, type Edge, type Edges } from './edges.ts'
import { figures, type StageFigures } from './figures.ts'
import type { BalancerDemoOptions } from './options.ts'
import { type StageName, Timeline } from './timeline.ts'

/** Milliseconds from one moment of the timeline to the next. */
const TICK_MS = 500

/** Milliseconds that something may take that has to happen. */
const PATIENCE_MS = 120_000

/** Of a stage's length: how long connections live on average. */
const LIFE = 2

/** The demo's story: one stage after the other while connections talk. */
export class Story {
  timeline = new Timeline()
  readonly stages: StageFigures[] = []
  readonly #edges: Edges
  readonly #options: BalancerDemoOptions
  readonly #talkers: Talkers
  readonly #onTick: (timeline: Timeline) => void
  #last: Talk | undefined

  constructor(edges: Edges, options: BalancerDemoOptions, onTick: (timeline: Timeline) => void) {
    this.#edges = edges
    this.#options = options
    this.#talkers = edges.talkers(options.seconds * 1000 * LIFE)
    this.#onTick = onTick
  }

  async play(): Promise<void> {
    const edges = this.#edges
    edges.route('edge1', 'edge2')
    await edges.configure('edge1', 'edge2')
    await Promise.all([edges.start('edge1'), edges.start('edge2')])
    await this.#untilOwned('edge2')
    this.timeline = new Timeline()
    const ticker = startTicker(TICK_MS, () => this.#tick())
    try {
      await this.#stage('two', () => this.#open())
      await this.#stage('join', () => this.#join('edge3'))
      await this.#stage('paths', () => this.#changePaths())
      await this.#stage('kill', () => this.#kill())
      await this.#stage('adopt', () => this.#adopt())
      await this.#stage('drain', () => this.#drain())
      await this.#stage('leave', () => this.#leave())
      await this.#stage('back', () => this.#join('edge1'))
    } finally {
      await ticker.stop()
    }
  }

  /** What happens, and time to see what comes of it while connections talk on. */
  async #stage(name: StageName, happen: () => Promise<void>): Promise<void> {
    this.timeline.enter(name)
    const began = performance.now()
    await happen()
    const longest = this.#options.seconds * 1000
    await sleep(Math.max(longest / 2, longest - (performance.now() - began)))
    const talk = await this.#talkers.hear()
    const before = this.#last ?? { ...talk, opened: 0, ended: 0, failed: 0, lost: 0, moved: 0, stalled: 0, answers: 0 }
    this.stages.push(figures(name, (performance.now() - began) / 1000, before, talk))
    this.#last = talk
  }

  async #open(): Promise<void> {
    const { connections } = this.#options
    await this.#talkers.open(connections)
    this.timeline.mark(`${connections.toLocaleString('en')} connections over IPv4 and IPv6 to edge1 and edge2`)
  }

  async #join(edge: Edge): Promise<void> {
    const edges = this.#edges
    await edges.configure(...EDGES)
    await edges.start(edge)
    edges.route(...EDGES)
    // One that was drained when it left still is.
    await this.#until(`${edge} is wanted`, async () => (await edges.api(edge).undrain(edge)).state === 'active')
    await this.#untilOwned(edge)
    this.timeline.mark(`${edge} joined: new connections of a third of the buckets are its own`)
  }

  async #changePaths(): Promise<void> {
    const step = (this.#options.seconds * 1000) / 4
    for (const hops of [['edge3'], ['edge1', 'edge3'], EDGES] as const) {
      this.#edges.route(...hops)
      this.timeline.mark(`the router sends everything to ${hops.join(', ')}`)
      await sleep(step)
    }
  }

  async #kill(): Promise<void> {
    await this.#edges.kill('edge1')
    this.timeline.mark('kill -9 of the agent of edge1, which decides for all: its kernel goes on')
  }

  async #adopt(): Promise<void> {
    await this.#edges.start('edge1')
    this.timeline.mark('the agent of edge1 is back: it adopted the tables')
  }

  async #drain(): Promise<void> {
    await this.#until(
      'edge1 is drained',
      async () => (await this.#edges.api('edge2').drain('edge1')).state !== 'active',
    )
    this.timeline.mark('edge1 is drained: it keeps its connections until they end')
    await this.#until('edge1 has no connections', async () => {
      const { servers } = await this.#talkers.count()
      return (servers.edge1 ?? 0) === 0
    })
    this.timeline.mark('edge1 has no connections any more')
  }

  async #leave(): Promise<void> {
    const edges = this.#edges
    edges.route('edge2', 'edge3')
    await edges.configure('edge2', 'edge3')
    await edges.down('edge1')
    this.timeline.mark('edge1 left')
  }

  async #untilOwned(edge: Edge): Promise<void> {
    await this.#until(`${edge} has its share`, async () => (await this.#edges.counted())[edge]!.buckets > 0)
  }

  /** What fails on the way is tried again. */
  async #until(what: string, look: () => Promise<boolean>): Promise<void> {
    let last: unknown
    for (const end = performance.now() + PATIENCE_MS; performance.now() < end; await sleep(100)) {
      try {
        if (await look()) return
      } catch (error) {
        last = error
      }
    }
    throw new Error(`Cannot go on: "${what}" is not so after ${PATIENCE_MS / 1000} s`, { cause: last })
  }

  async #tick(): Promise<void> {
    const talk = await this.#talkers.count()
    this.timeline.tick(talk, await this.#edges.counted())
    this.#onTick(this.timeline)
  }
}
