import { setTimeout as sleep } from 'node:timers/promises'

export interface Ticker {
  /** @throws what a tick has thrown. */
  stop(): Promise<void>
}

/** Does something again and again, so many milliseconds after it was done. */
export function startTicker(everyMs: number, tick: () => unknown): Ticker {
  let going = true
  const loop = async () => {
    while (going) {
      await sleep(everyMs)
      await tick()
    }
  }
  const done = loop()
  // Reported by stop(), which may be much later.
  done.catch(() => undefined)
  return {
    stop: async () => {
      going = false
      await done
    },
  }
}
