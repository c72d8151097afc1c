import { SeawallError } from '../entry/errors.ts'
import { FIRST_RULE_SLOT, SLOTS } from './layout.ts'
import type { Manifest, RetiredSlot } from './manifest.ts'

export interface SlotPlan {
  readonly slotOf: ReadonlyMap<string, number>
  /** Slots that were free: to be cleared before a program counts in them. */
  readonly fresh: readonly number[]
  /** Kept apart, for the generation that can be rolled back to counts in them, or the one in force until the swap. */
  readonly retired: readonly RetiredSlot[]
  /** No program counts in them any more: their counts go to the folded ones. They are free the next time. */
  readonly fold: readonly RetiredSlot[]
}

export interface SlotRule {
  readonly id: string
  /** The rule's action: counts of another action would mean something else. */
  readonly kind: string
}

/** The generation to be built, and the one that can be rolled back to from it. */
export interface Generations {
  readonly generation: number
  readonly previous: number | undefined
}

/**
 * Gives every rule a counter slot. A rule keeps its slot as long as its id and action stay. The slot of one that goes is
 * retired until no program that counts in it can come back, then folded, then free.
 *
 * @throws SeawallError SEAWALL_FULL.
 */
export function planSlots(rules: readonly SlotRule[], live: Manifest | undefined, to: Generations): SlotPlan {
  const known = knownSlots(live)
  const slotOf = new Map<string, number>()
  for (const rule of rules) {
    const slot = known.get(key(rule))
    if (slot !== undefined) slotOf.set(rule.id, slot)
  }
  const kept = new Set(slotOf.values())
  const fresh = assignFree(rules, slotOf, new Set(known.values()))
  const gone = (live?.rules ?? []).filter((rule) => !kept.has(rule.slot))
  const before = (live?.retired ?? []).filter((retired) => !kept.has(retired.slot))
  const retired = [
    ...before,
    ...gone.map((rule) => ({ slot: rule.slot, id: rule.id, kind: kindOf(rule.text), since: to.generation })),
  ]
  const isLast = (slot: RetiredSlot) => slot.since === to.generation
  const stays = (slot: RetiredSlot) => isLast(slot) || (to.previous !== undefined && slot.since > to.previous)
  return { slotOf, fresh, retired: retired.filter(stays), fold: retired.filter((slot) => !stays(slot)) }
}

function key(rule: SlotRule): string {
  return `${rule.kind} ${rule.id}`
}

function knownSlots(live: Manifest | undefined): Map<string, number> {
  const known = new Map<string, number>()
  for (const retired of live?.retired ?? []) known.set(key(retired), retired.slot)
  for (const rule of live?.rules ?? []) known.set(key({ id: rule.id, kind: kindOf(rule.text) }), rule.slot)
  return known
}

function assignFree(rules: readonly SlotRule[], slotOf: Map<string, number>, taken: ReadonlySet<number>): number[] {
  const fresh: number[] = []
  let next = FIRST_RULE_SLOT
  for (const rule of rules) {
    if (slotOf.has(rule.id)) continue
    while (taken.has(next)) next += 1
    if (next >= SLOTS) throw full(rules.length)
    slotOf.set(rule.id, next)
    fresh.push(next++)
  }
  return fresh
}

function full(rules: number): SeawallError {
  return new SeawallError(
    'SEAWALL_FULL',
    `Cannot count ${rules} rules: wanted at most ${SLOTS - FIRST_RULE_SLOT}, those of the last two generations included ` +
      '(merge rules, for example with a set)',
  )
}

/** First word of a rule's canonical text: its action. */
export function kindOf(text: string): string {
  return /^[a-z]+/.exec(text)?.[0] ?? ''
}

/** What the count of a rule with this action stands for. */
export function verdictOf(kind: string): 'pass' | 'drop' | undefined {
  if (kind === 'drop' || kind === 'limit') return 'drop'
  return kind === 'pass' ? 'pass' : undefined
}
