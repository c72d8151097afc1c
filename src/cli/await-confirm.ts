import { setTimeout as sleep } from 'node:timers/promises'
import type { Control } from '../agent/index.ts'

export type Outcome = 'confirmed' | 'rolled-back' | 'interrupted'

/** Rolls back what still waits for its confirmation and is due by then (CLOCK_MONOTONIC, nanoseconds); false if nothing is. */
export type RollBackIfDue = (due: bigint) => Promise<boolean>

/** Milliseconds between two looks at the state; `confirm` comes from another process. */
const LOOK = 200

/** Later than any deadline. */
const WHENEVER = 2n ** 63n - 1n

/** Keeps the time of a pending apply: waits until it is confirmed, and rolls it back when its time is over or `signal` aborts. */
export async function awaitConfirm(control: Control, rollBack: RollBackIfDue, signal: AbortSignal): Promise<Outcome> {
  const digest = (await control.status()).firewall?.digest
  for (;;) {
    if (signal.aborted && (await rollBack(WHENEVER))) return 'interrupted'
    const { firewall } = await control.status()
    const left = firewall?.pending?.dueInMs
    // Dynamic rules make new generations too, so the digest tells whether this is still what was applied.
    if (left === undefined) return firewall !== undefined && firewall.digest === digest ? 'confirmed' : 'rolled-back'
    if (left <= 0 && (await rollBack(process.hrtime.bigint()))) return 'rolled-back'
    await sleep(Math.max(1, Math.min(LOOK, left)), undefined, { signal }).catch(() => undefined)
  }
}
