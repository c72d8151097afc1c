import { join } from 'node:path'
import { readSlot } from '../entry/count.ts'
import { interfaceStatus } from '../entry/interfaces.ts'
import { openMap, openProgram } from '../entry/open.ts'
import type { Paths } from '../entry/paths.ts'
import { now, readPending } from '../entry/pending.ts'
import { hasGeneration } from '../entry/pins.ts'
import { untilOf } from './dynamic.ts'
import { Journal } from './journal.ts'
import { withLease } from './lease.ts'
import type { Live } from './live.ts'
import type { ManifestRule } from './manifest.ts'
import { withMemory } from './sets.ts'
import { kindOf } from './slots.ts'
import { formatSynCookies } from './syn-cookies/config.ts'
import type { FirewallStatus, PendingConfirm, RuleStatus, SetStatus } from './types.ts'

/** All that is in force, read from the kernel. */
export function firewallStatus(paths: Paths, live: Live): FirewallStatus {
  const { manifest } = live
  const { generation, previous, digest, version, appliedAt, malformed } = manifest
  const pending = pendingConfirm(live)
  return {
    generation,
    ...(previous !== undefined && hasGeneration(paths, previous) ? { previous } : {}),
    digest,
    version,
    appliedAt,
    malformed,
    synCookies: formatSynCookies(manifest.synCookies),
    interfaces: interfaceStatus(paths, entryId(paths), manifest.interfaces),
    rules: ruleStatus(live),
    sets: setStatus(live),
    ...(pending === undefined ? {} : { pending }),
    program: { ...live.program, instructions: manifest.instructions },
  }
}

export function entryId(paths: Paths): number {
  const entry = openProgram(join(paths.bpf, 'entry'))
  try {
    return entry.id
  } finally {
    entry.close()
  }
}

export function pendingConfirm(live: Live): PendingConfirm | undefined {
  const deadline = readPending(live.folder)
  return deadline === undefined ? undefined : { dueInMs: millisecondsUntil(deadline) }
}

/** Rules in the order in which they are tried, dynamic ones first. */
export function ruleStatus(live: Live): RuleStatus[] {
  const counters = openMap(join(live.folder, 'counters'))
  try {
    return live.manifest.rules.map((rule) => ({ ...describeRule(live, rule), count: readSlot(counters, rule.slot) }))
  } finally {
    counters.close()
  }
}

function describeRule(live: Live, rule: ManifestRule): Omit<RuleStatus, 'count'> {
  const { id, text, dynamic, capture } = rule
  const action = kindOf(text) as RuleStatus['action']
  const until = untilOf(live, rule)
  return {
    id,
    text,
    action,
    dynamic,
    ...(until === undefined ? {} : { expiresInMs: millisecondsUntil(until) }),
    ...(capture === undefined
      ? {}
      : { capture: { ...capture, lost: withLease(live.folder, id, (lease) => lease.lost) } }),
  }
}

function millisecondsUntil(deadline: bigint): number {
  return Math.max(0, Math.ceil(Number(deadline - now()) / 1e6))
}

export function setStatus(live: Live): SetStatus[] {
  return live.manifest.sets.map(({ name, file, prefixes, bytes }) => {
    const growth = withMemory(live.folder, `changes:${name}`, (memory) => new Journal(memory).growth)
    return { name, prefixes: prefixes + growth, bytes, ...(file === undefined ? {} : { file }) }
  })
}
