import type { Dead } from './health/health-checks.ts'

export interface KeeperEvent {
  readonly level: 'info' | 'warn' | 'error'
  readonly event: string
  readonly message: string
}

/** Milliseconds before a failure that lasts is told again. */
const AGAIN_MS = 60_000

/** Tells what has changed, and what fails, but not every second. */
export class KeeperLog {
  readonly #log: (event: KeeperEvent) => void
  /** Names of backends to which there is no way. */
  #lost: readonly string[] = []
  /** When each failure was told last. */
  readonly #told = new Map<string, number>()

  constructor(log: (event: KeeperEvent) => void) {
    this.#log = log
  }

  /** Other backends are dead than before. */
  dead(dead: Dead): void {
    const names = [...new Set(dead.flat())].sort()
    const message =
      names.length === 0 ? 'All backends answer their checks' : `Dead by their checks: ${names.join(', ')}`
    this.#log({ level: names.length === 0 ? 'info' : 'warn', event: 'health', message })
  }

  /** To these backends there is no way. */
  ways(lost: readonly string[]): void {
    if (lost.join() === this.#lost.join()) return
    this.#lost = lost
    const message =
      lost.length === 0
        ? 'The way to all backends is known'
        : `No route or no link address of backends, whose packets are dropped: ${lost.join(', ')}`
    this.#log({ level: lost.length === 0 ? 'info' : 'warn', event: 'ways', message })
  }

  failed(event: string, what: string, error: unknown): void {
    const message = `${what}: ${error instanceof Error ? error.message : String(error)}`
    const now = performance.now()
    if (now - (this.#told.get(message) ?? -AGAIN_MS) < AGAIN_MS) return
    this.#told.set(message, now)
    this.#log({ level: 'error', event, message })
  }
}
