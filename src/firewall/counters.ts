import type { BpfMap } from '../bpf/index.ts'
import { add, readSlot, subtract, zero } from '../entry/count.ts'
import { Outcome } from '../generated/entry.ts'
import {
  type MalformedReason,
  malformedReasons,
  malformedSlot,
  PASSED_BY_DEFAULT,
  SAMPLES_LOST,
} from '../rules/counters.ts'
import type { Manifest } from './manifest.ts'
import { kindOf, verdictOf } from './slots.ts'
import { readSynCookieCounts } from './syn-cookies/counters.ts'
import type { Count, CountersReport } from './types.ts'

/** The maps that packets are counted in. */
export interface CounterMaps {
  readonly counters: BpfMap
  readonly received: BpfMap
  readonly cookies: BpfMap
}

/**
 * Everything that was counted, in parts that add up to what was received but for the packets that are on their way
 * while it is read.
 */
export function readCounters({ counters, received, cookies }: CounterMaps, manifest: Manifest): CountersReport {
  const slot = (index: number) => readSlot(counters, index)
  // What came before there was a program was not decided by a rule either.
  const byDefault = add(slot(PASSED_BY_DEFAULT), readSlot(received, Outcome.Unfiltered))
  const malformed = Object.fromEntries(
    malformedReasons.map((reason: MalformedReason) => [reason, slot(malformedSlot[reason])]),
  )
  const counted = manifest.rules.map((rule) => ({ rule, count: slot(rule.slot) }))
  const retired = retiredCounts(manifest, slot)
  const synCookies = readSynCookieCounts(cookies)
  const { sent, bad } = synCookies
  // Both were passed by the rules before.
  const passed = subtract(add(byDefault, retired.pass), add(sent, bad))
  const verdicts = { pass: passed, drop: add(retired.drop, bad), tx: sent }
  for (const { rule, count } of counted) {
    const verdict = verdictOf(kindOf(rule.text))
    if (verdict !== undefined) verdicts[verdict] = add(verdicts[verdict], count)
  }
  const unread = splitMalformed(manifest, Object.values(malformed).reduce(add, zero))
  verdicts.pass = add(verdicts.pass, unread.pass)
  verdicts.drop = add(verdicts.drop, unread.drop)
  return {
    received: readSlot(received, Outcome.Received),
    verdicts,
    synCookies,
    byDefault,
    malformed,
    rules: Object.fromEntries(counted.map(({ rule, count }) => [rule.id, count])),
    retired,
    samplesLost: slot(SAMPLES_LOST),
  }
}

/** Malformed packets by the policy that was in force when they came. */
export function splitMalformed(manifest: Manifest, total: Count): { pass: Count; drop: Count } {
  const { pass, drop } = manifest.malformedBefore
  const present = {
    packets: total.packets - pass.packets - drop.packets,
    bytes: total.bytes - pass.bytes - drop.bytes,
  }
  return manifest.malformed === 'pass' ? { pass: add(pass, present), drop } : { pass, drop: add(drop, present) }
}

/** All malformed packets, whatever was wrong with them. */
export function malformedTotal(counters: BpfMap): Count {
  return malformedReasons.map((reason) => readSlot(counters, malformedSlot[reason])).reduce(add, zero)
}

/** Packets that were decided by rules which are gone. */
function retiredCounts(manifest: Manifest, slot: (index: number) => Count): { pass: Count; drop: Count } {
  const sums = { ...manifest.folded }
  for (const retired of manifest.retired) {
    const verdict = verdictOf(retired.kind)
    if (verdict !== undefined) sums[verdict] = add(sums[verdict], slot(retired.slot))
  }
  return sums
}
