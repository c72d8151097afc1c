export interface Mark {
  /** Seconds since the start. */
  readonly at: number
  readonly text: string
}

/** What the timelines of all scenes have: a clock, the stage that the story is in, and what has happened. */
export class StageClock<Stage extends string> {
  readonly marks: Mark[] = []
  readonly #now: () => number
  readonly #began: number
  #last: number
  #stage: Stage

  /** @param now milliseconds. */
  constructor(stage: Stage, now: () => number = () => performance.now()) {
    this.#stage = stage
    this.#now = now
    this.#began = now()
    this.#last = this.#began
  }

  get stage(): Stage {
    return this.#stage
  }

  /** Seconds since the start. */
  get elapsed(): number {
    return (this.#now() - this.#began) / 1000
  }

  enter(stage: Stage): void {
    this.#stage = stage
  }

  /** Notes an event, such as the kill of an agent. */
  mark(text: string): void {
    this.marks.push({ at: this.elapsed, text })
  }

  /** Ends an interval. Returns when that is, and how many seconds it had. */
  protected endInterval(): { readonly at: number; readonly seconds: number } {
    const now = this.#now()
    const seconds = Math.max(0.001, (now - this.#last) / 1000)
    this.#last = now
    return { at: (now - this.#began) / 1000, seconds }
  }
}
