import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { SYN_PATTERNS } from '../flood/patterns.ts'
import { type Request, runClients } from './clients.ts'
import { figures, type PhaseFigures } from './figures.ts'
import type { DemoOptions } from './options.ts'
import { type Attack, kindOf, type PhaseName } from './phases.ts'
import { type Scene, sentBy } from './scene.ts'
import type { Snapshot } from './snapshot.ts'
import { startTicker } from './ticker.ts'
import { type Stage, Timeline } from './timeline.ts'

const CONFIG = fileURLToPath(new URL('seawall.config.ts', import.meta.url))
const RELOADED = fileURLToPath(new URL('reloaded.config.ts', import.meta.url))
/** Length of an interval of the timeline. */
const TICK_MS = 250
/** How far into a phase its event happens: clients and attack are at full speed by then. */
const EVENT_AT = 0.25
const APPLY_SECONDS = 3
/** Of the rate, for SYNs: each is answered, and the CPU that sends them must take the answers, too. */
const SYN_PART = 0.5
/** Good clients alone send a SYN every few milliseconds: after so long without a cookie there will be none. */
const QUIET_MS = 500
const LONGEST_ALARM_MS = 20_000

/** The demo's story: one phase after the other, each with its event while clients and attack go on. */
export class Story {
  readonly timeline = new Timeline()
  readonly phases: PhaseFigures[] = []
  readonly #scene: Scene
  readonly #options: DemoOptions
  readonly #onTick: (timeline: Timeline) => void
  #last: Snapshot | undefined
  #applied = false

  constructor(scene: Scene, options: DemoOptions, onTick: (timeline: Timeline) => void) {
    this.#scene = scene
    this.#options = options
    this.#onTick = onTick
  }

  async play(): Promise<void> {
    const { protection } = this.#scene
    const ticker = startTicker(TICK_MS, () => this.#tick())
    try {
      this.#last = await this.#scene.snapshot(false)
      await this.#phase('calm')
      await this.#phase('unprotected')
      await this.#phase('syn-flood')
      await this.#apply()
      await this.#phase('protected', async () => {
        await protection.up(CONFIG)
        return 'agent up: it takes over what apply left in the kernel'
      })
      await this.#phase('agent-killed', async () => {
        await protection.killAgent()
        return 'kill -9: the agent is dead'
      })
      await this.#phase('reload', async () => {
        const { generation, tookMs } = await protection.apply(RELOADED)
        return `reload: generation ${generation} in ${tookMs.toFixed(0)} ms, with a rule against bare SYNs`
      })
      await this.#phase('adopted', async () => {
        const { adopted } = await protection.up(RELOADED)
        if (!adopted) throw new Error('Cannot go on: the new agent did not adopt the state in the kernel')
        return 'agent back: it adopted the state'
      })
      await this.#phase('syn-cookies')
      await this.#phase('over', async () => {
        await this.#untilNoCookies()
        return 'cookies end: SYNs are the kernel’s again, and nobody did anything'
      })
    } finally {
      await ticker.stop()
    }
  }

  /** Clients and attack for the time of a phase, its event meanwhile, and the figures of it. */
  async #phase(name: PhaseName, event?: () => Promise<string>): Promise<void> {
    const before = this.#last!
    const began = this.timeline.elapsed
    const requests = await this.#stage(name, this.#options.seconds, kindOf(name).attack, event)
    const seconds = Math.round((this.timeline.elapsed - began) * 10) / 10
    this.#last = await this.#scene.snapshot(this.#applied)
    this.phases.push(figures({ name, seconds, requests, before, after: this.#last }))
  }

  /** Seawall is applied while the attack goes on. Part of the timeline, but of no phase. */
  async #apply(): Promise<void> {
    await this.#stage('apply', APPLY_SECONDS, 'mixed', async () => {
      const { generation, tookMs } = await this.#scene.protection.apply(CONFIG)
      this.#applied = true
      return `seawall apply: generation ${generation} in ${tookMs.toFixed(0)} ms`
    })
    this.#last = await this.#scene.snapshot(true)
  }

  /** Goes on for so many seconds, and again for as long as the event is not over: on a busy machine it may take its time. */
  async #stage(
    stage: Stage,
    seconds: number,
    attack: Attack | undefined,
    event?: () => Promise<string>,
  ): Promise<Request[]> {
    this.timeline.enter(stage)
    const happening = { over: event === undefined }
    const happened = setTimeout(seconds * 1000 * EVENT_AT).then(async () => {
      if (event !== undefined) this.timeline.mark(await event())
      happening.over = true
    })
    // Reported below, after the clients have ended.
    happened.catch(() => (happening.over = true))
    const requests: Request[] = []
    do {
      if (attack) this.#attack(attack, seconds)
      const onRequest = (one: Request) => this.timeline.request(one)
      requests.push(...(await runClients({ ...this.#scene.clients, seconds, onRequest })))
    } while (!happening.over)
    await happened
    return requests
  }

  /** Bounded in rate, count and time: even a demo that hangs stops attacking. */
  #attack(attack: Attack, seconds: number): void {
    const rate = attack === 'syn' ? this.#options.rate * SYN_PART : this.#options.rate
    const longest = seconds + 10
    const patterns = attack === 'syn' ? { patterns: SYN_PATTERNS } : {}
    this.#scene.flood.run({ packetsPerSecond: rate, packets: rate * longest, seconds: longest, ...patterns })
  }

  async #untilNoCookies(): Promise<void> {
    const sent = async () => (await this.#scene.protection.counters()).synCookies.sent.packets
    let last = await sent()
    for (let waited = 0; waited < LONGEST_ALARM_MS; waited += QUIET_MS) {
      await setTimeout(QUIET_MS)
      const now = await sent()
      if (now === last) return
      last = now
    }
    throw new Error(`Cannot go on: ${LONGEST_ALARM_MS / 1000} s after the flood SYNs are still answered with cookies`)
  }

  async #tick(): Promise<void> {
    const sent = await sentBy(this.#scene.flood)
    const counters = this.#applied ? await this.#scene.protection.counters() : undefined
    this.timeline.tick(sent, counters)
    this.#onTick(this.timeline)
  }
}
