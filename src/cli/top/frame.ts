import type { Count, CountersReport, RuleStatus, Sample } from '../../firewall/index.ts'
import { type Key, keysOf } from './keys.ts'

/** What was counted at one moment. */
export interface Reading {
  /** Milliseconds of wall clock time. */
  readonly at: number
  readonly counters: CountersReport
  readonly rules: readonly RuleStatus[]
}

/** Packets and bytes a second. */
export interface Rate {
  readonly packets: number
  readonly bytes: number
}

export interface RuleRate {
  readonly id: string
  readonly text: string
  readonly rate: Rate
  readonly total: Count
}

/** About how many packets have a key, from samples and the rates at which they were taken. */
export interface Estimate {
  readonly key: string
  readonly packetsPerSecond: number
  readonly bytesPerSecond: number
  /** Samples that say so: about one in their square root is the error to be expected. */
  readonly samples: number
  readonly verdict: Sample['verdict'] | 'mixed'
}

/** What happened between two readings. */
export interface Frame {
  readonly at: string
  readonly seconds: number
  /** Counted, as are all up to `malformed`. */
  readonly received: Rate
  readonly pass: Rate
  readonly drop: Rate
  /** In the order of the rules. */
  readonly rules: readonly RuleRate[]
  readonly malformed: Readonly<Record<string, Rate>>
  /** Estimated: the most of each key that was asked for. */
  readonly by: Readonly<Partial<Record<Key, readonly Estimate[]>>>
  readonly samples: number
  /** Samples that were lost on their way here, which makes the estimates too low. */
  readonly lost: number
}

export interface FrameOptions {
  readonly by: readonly Key[]
  /** Lines of each key. */
  readonly most: number
}

/** Samples of an interval, and how many were lost meanwhile. */
export interface Taken {
  readonly samples: readonly Sample[]
  readonly lost: number
}

/** Compares two readings; counters of rules that are new since the first start at 0. */
export function frameOf(before: Reading, after: Reading, taken: Taken, options: FrameOptions): Frame {
  const seconds = Math.max(0.001, (after.at - before.at) / 1000)
  const rate = (first: Count | undefined, last: Count): Rate => ({
    packets: Math.max(0, last.packets - (first?.packets ?? 0)) / seconds,
    bytes: Math.max(0, last.bytes - (first?.bytes ?? 0)) / seconds,
  })
  const { counters: from } = before
  const { counters: to } = after
  const counts = new Map(before.rules.map((rule) => [rule.id, rule.count]))
  return {
    at: new Date(after.at).toISOString(),
    seconds,
    received: rate(from.received, to.received),
    pass: rate(from.verdicts.pass, to.verdicts.pass),
    drop: rate(from.verdicts.drop, to.verdicts.drop),
    rules: after.rules.map(({ id, text, count }) => ({ id, text, rate: rate(counts.get(id), count), total: count })),
    malformed: Object.fromEntries(
      Object.entries(to.malformed).flatMap(([reason, count]) => {
        const one = rate(from.malformed[reason], count)
        return one.packets === 0 ? [] : [[reason, one] as const]
      }),
    ),
    by: estimates(taken.samples, after.rules, seconds, options),
    samples: taken.samples.length,
    lost: taken.lost,
  }
}

interface Tally {
  packets: number
  bytes: number
  samples: number
  readonly verdicts: Set<Sample['verdict']>
}

function estimates(
  samples: readonly Sample[],
  rules: readonly RuleStatus[],
  seconds: number,
  { by, most }: FrameOptions,
): Frame['by'] {
  const weights = new Map(rules.map((rule) => [rule.id, weightOf(rule)]))
  const tallies = new Map(by.map((key) => [key, new Map<string, Tally>()]))
  for (const sample of samples) {
    const keys = keysOf(sample)
    const weight = weights.get(sample.sampledBy ?? '') ?? 1
    for (const [key, tally] of tallies) if (keys[key] !== undefined) count(tally, keys[key], sample, weight)
  }
  return Object.fromEntries([...tallies].map(([key, tally]) => [key, rank(tally, seconds).slice(0, most)]))
}

function count(tallies: Map<string, Tally>, key: string, { verdict, length }: Sample, weight: number): void {
  const tally = tallies.get(key) ?? { packets: 0, bytes: 0, samples: 0, verdicts: new Set() }
  tally.packets += weight
  tally.bytes += weight * length
  tally.samples += 1
  tally.verdicts.add(verdict)
  tallies.set(key, tally)
}

function rank(tallies: ReadonlyMap<string, Tally>, seconds: number): Estimate[] {
  return [...tallies]
    .map(([key, { packets, bytes, samples, verdicts }]) => ({
      key,
      packetsPerSecond: packets / seconds,
      bytesPerSecond: bytes / seconds,
      samples,
      verdict: verdicts.size > 1 ? ('mixed' as const) : [...verdicts][0]!,
    }))
    .sort((a, b) => b.packetsPerSecond - a.packetsPerSecond || a.key.localeCompare(b.key))
}

/** One sample of a rule `sample 1/N` stands for N packets. */
function weightOf(rule: RuleStatus): number {
  const every = /\bsample 1\/(\d+)/.exec(rule.text)?.[1]
  return every === undefined ? 1 : Number(every)
}
