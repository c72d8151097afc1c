/** Slots of the per-CPU array `counters` that are the same in every rule set; rules have theirs from {@link FIRST_RULE_SLOT} on. */
import { type MalformedReason, malformedReasons } from '../net/dissect.ts'

/** Packets that no rule decided. */
export const PASSED_BY_DEFAULT = 0

/**
 * Verdicts of the stage that answers SYNs: an ACK without a valid cookie, and a SYN that was answered. They are only names in records: in
 * `counters` such packets are under what passed them before.
 */
export const SYN_COOKIE_BAD = 29
export const SYN_COOKIE_ANSWERED = 30

/** Samples that the common ring buffer had no room for. They were decided, and counted, all the same. */
export const SAMPLES_LOST = 31

/** Slots 0 to 31 are reserved. */
export const FIRST_RULE_SLOT = 32

/** The slot of each malformed reason, 1 and up in the order of docs/packet.md. */
export const malformedSlot: Readonly<Record<MalformedReason, number>> = Object.fromEntries(
  malformedReasons.map((reason, index) => [reason, index + 1]),
) as Record<MalformedReason, number>

export { type MalformedReason, malformedReasons }
