import type { CountersReport } from '../../src/firewall/types.ts'
import type { Request } from './clients.ts'
import { percentile } from './latency.ts'
import type { PhaseName } from './phases.ts'
import { StageClock } from './stage-clock.ts'

/** The stages of the demo as the timeline shows them: the phases, and the apply between two of them. */
export type Stage = PhaseName | 'apply'

/** What happened in one interval. Rates are per second. */
export interface Bucket {
  /** Seconds since the start of the timeline, at the end of the interval. */
  readonly at: number
  readonly stage: Stage
  readonly sent: number
  readonly answered: number
  /** Of those, requests over HTTP, each with a connection of its own. */
  readonly answeredHttp: number
  readonly latencyMsP50: number | null
  readonly latencyMsP99: number | null
  /** Attack packets sent a second. */
  readonly attack: number
  /** Packets stopped a second: dropped, by rule, or answered with a cookie. */
  readonly stopped: Readonly<Record<string, number>>
}

/** Collects what clients and counters report, in intervals of one length. */
export class Timeline extends StageClock<Stage> {
  readonly buckets: Bucket[] = []
  #requests: Request[] = []
  #attack = 0
  #stopped: Readonly<Record<string, number>> = {}

  /** @param now milliseconds. */
  constructor(now?: () => number) {
    super('calm', now)
  }

  request(request: Request): void {
    this.#requests.push(request)
  }

  /**
   * Ends an interval.
   *
   * @param attackSent attack packets sent since the start.
   * @param counters what the firewall counted so far.
   */
  tick(attackSent: number, counters: CountersReport | undefined): Bucket {
    const { at, seconds } = this.endInterval()
    const stopped = stoppedSoFar(counters)
    const answered = this.#requests.filter((one) => one.answered)
    const latencies = answered.map((one) => one.latencyMs).sort((a, b) => a - b)
    const bucket: Bucket = {
      at,
      stage: this.stage,
      sent: this.#requests.length / seconds,
      answered: answered.length / seconds,
      answeredHttp: answered.filter((one) => one.protocol === 'http').length / seconds,
      latencyMsP50: percentile(latencies, 50),
      latencyMsP99: percentile(latencies, 99),
      attack: (attackSent - this.#attack) / seconds,
      stopped: Object.fromEntries(
        Object.entries(stopped).map(([id, packets]) => [id, (packets - (this.#stopped[id] ?? 0)) / seconds]),
      ),
    }
    this.#attack = attackSent
    this.#stopped = stopped
    this.#requests = []
    this.buckets.push(bucket)
    return bucket
  }
}

/** Packets stopped so far; rules that count good clients stop nothing. */
function stoppedSoFar(counters: CountersReport | undefined): Readonly<Record<string, number>> {
  if (counters === undefined) return {}
  const rules = Object.entries(counters.rules).filter(([id]) => !id.startsWith('clients-'))
  const dropped = rules.map(([id, { packets }]) => [id, packets] as const)
  return Object.fromEntries([...dropped, ['SYN cookies', counters.synCookies.sent.packets]])
}
