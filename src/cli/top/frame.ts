import type { Count, CountersReport, RuleStatus, Sample } from '../../firewall/index.ts'
import { formatAddress } from '../../net/address.ts'
import { dissect } from '../../net/dissect.ts'
import { addressesOf } from '../packets/summary.ts'

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

/** A source address and about how many packets it sends, from samples and the rates at which they were taken. */
export interface Talker {
  readonly address: string
  readonly packetsPerSecond: number
  readonly samples: number
  readonly verdict: 'pass' | 'drop' | 'both'
}

/** What happened between two readings. */
export interface Frame {
  readonly at: string
  readonly seconds: number
  readonly received: Rate
  readonly pass: Rate
  readonly drop: Rate
  /** In the order of the rules. */
  readonly rules: readonly RuleRate[]
  readonly malformed: Readonly<Record<string, Rate>>
  readonly talkers: readonly Talker[]
  readonly samples: number
}

/** Compares two readings; counters of rules that are new since the first start at 0. */
export function frameOf(before: Reading, after: Reading, samples: readonly Sample[], talkers: number): Frame {
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
    talkers: talkersOf(samples, after.rules, seconds).slice(0, talkers),
    samples: samples.length,
  }
}

function talkersOf(samples: readonly Sample[], rules: readonly RuleStatus[], seconds: number): Talker[] {
  const weights = new Map(rules.map((rule) => [rule.id, weightOf(rule)]))
  const found = new Map<string, { packets: number; samples: number; verdicts: Set<'pass' | 'drop'> }>()
  for (const sample of samples) {
    const address = sourceOf(sample)
    if (address === undefined) continue
    const talker = found.get(address) ?? { packets: 0, samples: 0, verdicts: new Set() }
    talker.packets += weights.get(sample.sampledBy ?? '') ?? 1
    talker.samples += 1
    talker.verdicts.add(sample.verdict)
    found.set(address, talker)
  }
  return [...found]
    .map(([address, { packets, samples, verdicts }]) => ({
      address,
      packetsPerSecond: packets / seconds,
      samples,
      verdict: verdicts.size === 2 ? ('both' as const) : [...verdicts][0]!,
    }))
    .sort((a, b) => b.packetsPerSecond - a.packetsPerSecond || a.address.localeCompare(b.address))
}

/** One sample of a rule `sample 1/N` stands for N packets. */
function weightOf(rule: RuleStatus): number {
  const every = /\bsample 1\/(\d+)/.exec(rule.text)?.[1]
  return every === undefined ? 1 : Number(every)
}

/** A sample holds the beginning of its frame; the rest counts as zeros, so that lengths agree. */
function sourceOf(sample: Sample): string | undefined {
  const bytes = new Uint8Array(Math.max(sample.length, sample.bytes.length))
  bytes.set(sample.bytes)
  const addresses = addressesOf(dissect(bytes))
  return addresses === undefined ? undefined : formatAddress(addresses.src)
}
