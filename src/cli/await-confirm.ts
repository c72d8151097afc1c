import { setTimeout as sleep } from 'node:timers/promises'
import type { Control } from '../agent/index.ts'

export type Outcome = 'confirmed' | 'rolled-back' | 'interrupted'

/** Milliseconds between two looks at the state; `confirm` comes from another process. */
const LOOK = 200

/** Waits until a pending apply is confirmed, rolled back, or, when `signal` aborts, rolls it back itself. */
export async function awaitConfirm(control: Control, generation: number, signal: AbortSignal): Promise<Outcome> {
  for (;;) {
    if (signal.aborted) return interrupt(control)
    const { firewall } = await control.status()
    if (firewall?.generation !== generation) return 'rolled-back'
    if (firewall.pending === undefined) return 'confirmed'
    await sleep(LOOK, undefined, { signal }).catch(() => undefined)
  }
}

async function interrupt(control: Control): Promise<Outcome> {
  const { firewall } = await control.status()
  if (firewall?.pending === undefined) return firewall === undefined ? 'rolled-back' : 'confirmed'
  await control.rollback()
  return 'interrupted'
}
