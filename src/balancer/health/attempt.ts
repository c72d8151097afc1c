import { formatDuration } from '../../entry/duration.ts'
import { failureText } from './failure.ts'
import type { CheckResult } from './record.ts'

/**
 * Does one check, and says how it ended. Undefined if it was to stop.
 *
 * @param work rejects if the check fails; after the signal nobody waits for it.
 */
export async function attempt(
  work: (signal: AbortSignal) => Promise<void>,
  { timeoutMs, stop }: { readonly timeoutMs: number; readonly stop: AbortSignal },
): Promise<CheckResult | undefined> {
  const over = new AbortController()
  const begun = performance.now()
  // What has come while this process was busy counts: it is read before the work is given up.
  const timer = setTimeout(() => setImmediate(() => over.abort()), timeoutMs)
  const stopped = () => over.abort()
  stop.addEventListener('abort', stopped)
  try {
    await Promise.race([work(over.signal), aborted(over.signal)])
    return { ok: true, latencyMs: performance.now() - begun }
  } catch (error) {
    if (stop.aborted) return undefined
    return {
      ok: false,
      reason: over.signal.aborted ? `no answer within ${formatDuration(timeoutMs)}` : failureText(error),
    }
  } finally {
    clearTimeout(timer)
    stop.removeEventListener('abort', stopped)
    over.abort()
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
