import { formatDuration } from '../entry/duration.ts'
import { failureText, ProbeFailure } from './failure.ts'

/** What one attempt found out. */
export type ProbeResult =
  | { readonly ok: true; readonly latencyMs: number }
  | { readonly ok: false; readonly reason: string }

/**
 * Does one check, and says how it ended. Undefined if it was to stop.
 *
 * @param work rejects if the check fails; with the signal at the latest, and with a {@link ProbeFailure} then if it knows more than that its
 * time is over.
 */
export async function attempt(
  work: (signal: AbortSignal) => Promise<void>,
  { timeoutMs, stop }: { readonly timeoutMs: number; readonly stop: AbortSignal },
): Promise<ProbeResult | undefined> {
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
    const isLate = over.signal.aborted && !(error instanceof ProbeFailure)
    return { ok: false, reason: isLate ? `no answer within ${formatDuration(timeoutMs)}` : failureText(error) }
  } finally {
    clearTimeout(timer)
    stop.removeEventListener('abort', stopped)
    over.abort()
  }
}

/** Rejects soon after the signal, when work that ends with it has ended. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => setImmediate(reject, signal.reason), { once: true })
  })
}
