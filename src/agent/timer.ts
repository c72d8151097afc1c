/** Longest delay that Node's timers take, milliseconds. */
const LONGEST = 2 ** 31 - 1

/** A timer that can be set anew, and that does not keep the process alive. */
export class Timer {
  readonly #work: () => Promise<void>
  #timeout: NodeJS.Timeout | undefined

  constructor(work: () => Promise<void>) {
    this.#work = work
  }

  /** Does the work after so many milliseconds, or never. A delay that is too long for Node ends early; the work then looks again. */
  set(delayMs: number | undefined): void {
    this.clear()
    if (delayMs === undefined) return
    this.#timeout = setTimeout(() => void this.#work(), Math.min(delayMs, LONGEST))
    this.#timeout.unref()
  }

  clear(): void {
    clearTimeout(this.#timeout)
    this.#timeout = undefined
  }
}
