import type { Paths } from '../../entry/paths.ts'
import { attempt, type ProbeResult, probe } from '../../probes/index.ts'
import type { DesiredBalancer } from '../desired.ts'
import { type Pool, poolsOf } from '../pools.ts'
import { Slots } from '../slots.ts'
import { deadOf } from './dead.ts'
import { ProbePath } from './probe-path.ts'
import { beginRecord, type HealthRecord, observe } from './record.ts'
import { firstDelay, nextDelay } from './schedule.ts'
import { surroundingsOf, type Target, targetsOf } from './target.ts'

/** Checks that go on at a time, whatever the number of backends. */
const AT_A_TIME = 64

/** What is known of a backend by the checks of a service. */
export interface BackendHealth extends HealthRecord {
  readonly service: string
  readonly backend: string
}

/** Dead backends of each pool, in the order of {@link poolsOf}. */
export type Dead = readonly (readonly string[])[]

export interface HealthOptions {
  readonly paths: Paths
  /** Called when another set of backends is dead. */
  readonly onChange: (dead: Dead) => void
}

interface Watched {
  readonly target: Target
  record: HealthRecord
  timer?: NodeJS.Timeout
}

/**
 * Asks each backend of each service that has a check, over the way of the service's own packets, and knows which are dead. What is new
 * counts as alive: nothing moves because this machine has just begun to ask.
 */
export class HealthChecks {
  readonly #options: HealthOptions
  #watched = new Map<string, Watched>()
  #desired: Pick<DesiredBalancer, 'services' | 'backends'> = { services: [], backends: [] }
  #path: ProbePath | undefined
  #stop = new AbortController()
  #running = new Set<Promise<void>>()
  #slots = new Slots(AT_A_TIME)
  #told = '[]'
  /** What was asked for is done one after the other. */
  readonly #turns = new Slots(1)

  constructor(options: HealthOptions) {
    this.#options = options
  }

  /**
   * Begins, or goes on with another configuration: what is known of backends that are in both stays. {@link dead} says at once who is dead.
   *
   * @param known backends that somebody else found dead, by pool: dead they are until their checks say otherwise
   * @throws SeawallError SEAWALL_INTERFACE; LinuxError; BpfError
   */
  start(desired: DesiredBalancer, known: Dead = []): Promise<void> {
    return this.#turns.run(() => this.#start(desired, known))
  }

  /** What is known stays, and goes on if this is started again. */
  stop(): Promise<void> {
    return this.#turns.run(() => this.#halt())
  }

  /** Stops, and what was known is not known any more. */
  forget(): Promise<void> {
    return this.#turns.run(async () => {
      await this.#halt()
      this.#watched.clear()
    })
  }

  state(): readonly BackendHealth[] {
    return [...this.#watched.values()].map(({ target, record }) => ({
      service: target.service,
      backend: target.backend.name,
      ...record,
    }))
  }

  dead(): Dead {
    const { services, backends } = this.#desired
    const down = new Set(
      [...this.#watched.values()].filter(({ record }) => record.state === 'down').map(({ target }) => keyOf(target)),
    )
    const weights = new Map(backends.map(({ name, weight }) => [name, weight]))
    const isDown = (service: string, name: string): boolean => down.has(nameOf(service, name))
    return poolsOf(services).map((pool) => deadOf(pool, weights, isDown))
  }

  async #start(desired: DesiredBalancer, known: Dead): Promise<void> {
    await this.#halt()
    this.#stop = new AbortController()
    this.#desired = desired
    const targets = targetsOf(desired)
    this.#watched = this.#remember(targets, deadServices(poolsOf(desired.services), known))
    this.#told = JSON.stringify(this.dead())
    if (targets.length === 0) return
    this.#path = await ProbePath.open(this.#options.paths, desired)
    for (const [index, one] of [...this.#watched.values()].entries()) {
      this.#plan(one, firstDelay({ index, count: targets.length }, one.target.check.everyMs, Math.random()))
    }
  }

  async #halt(): Promise<void> {
    this.#stop.abort()
    for (const { timer } of this.#watched.values()) clearTimeout(timer)
    await Promise.all(this.#running)
    this.#path?.close()
    this.#path = undefined
  }

  #remember(targets: readonly Target[], known: ReadonlySet<string>): Map<string, Watched> {
    const now = Date.now()
    return new Map(
      targets.map((target) => {
        const key = keyOf(target)
        const before = this.#watched.get(key)
        const isSame = before?.target.backend.address.value === target.backend.address.value
        const own = isSame && before.record.state !== 'unknown' ? before.record : undefined
        return [key, { target, record: own ?? beginRecord(now, known.has(key) ? 'down' : 'unknown') }]
      }),
    )
  }

  #plan(one: Watched, delayMs: number): void {
    one.timer = setTimeout(() => this.#begin(one), delayMs)
    one.timer.unref()
  }

  #begin(one: Watched): void {
    const running = this.#check(one).finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async #check(one: Watched): Promise<void> {
    const { target } = one
    const { signal: stop } = this.#stop
    const path = this.#path!
    const { netns } = this.#options.paths
    const work = (signal: AbortSignal) =>
      probe(
        target.check.probe,
        surroundingsOf(target, netns, () => path.approach(target, signal)),
        signal,
      )
    const begun = performance.now()
    const result = await this.#slots.run(async () => {
      if (stop.aborted) return undefined
      return attempt(work, { timeoutMs: target.check.timeoutMs, stop })
    })
    if (result === undefined || stop.aborted) return
    this.#note(one, result)
    this.#plan(one, nextDelay(target.check.everyMs, performance.now() - begun, Math.random()))
  }

  #note(one: Watched, result: ProbeResult): void {
    const { rise, fall } = one.target.check
    const { state } = one.record
    one.record = observe(one.record, result, { at: Date.now(), rise, fall })
    if (one.record.state === state) return
    const dead = this.dead()
    const text = JSON.stringify(dead)
    if (text === this.#told) return
    this.#told = text
    this.#options.onChange(dead)
  }
}

const nameOf = (service: string, backend: string): string => `${service} ${backend}`
const keyOf = ({ service, backend }: Target): string => nameOf(service, backend.name)

/** Of dead backends the services that they are dead for: which one failed is not known, so each has to succeed again. */
function deadServices(pools: readonly Pool[], known: Dead): Set<string> {
  return new Set(
    pools.flatMap(({ services }, index) =>
      services.flatMap((service) => (known[index] ?? []).map((backend) => nameOf(service, backend))),
    ),
  )
}
