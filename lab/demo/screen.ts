import type { Mark } from './stage-clock.ts'

/** Seconds between two lines where nothing can be redrawn. */
const PLAIN_EVERY_S = 1

export interface ScreenOutput {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** How a demo shows itself. */
export interface View<T> {
  /** For a terminal so many columns wide. */
  picture(timeline: T, columns: number): readonly string[]
  /** The latest interval: its end, its stage, and a line about it for a log. */
  latest(timeline: T): { readonly at: number; readonly stage: string; readonly line: string }
}

export function markLine({ at, text }: Mark): string {
  return `${at.toFixed(1).padStart(6)} s  ▸ ${text}`
}

/** Shows the timeline while it grows: redrawn on a terminal, a line a second elsewhere. */
export class Screen<T extends { readonly marks: readonly Mark[] }> {
  readonly #out: ScreenOutput
  readonly #view: View<T>
  readonly #live: boolean
  #drawn = 0
  #marks = 0
  #said: ReturnType<View<T>['latest']> | undefined

  constructor(out: ScreenOutput, view: View<T>) {
    this.#out = out
    this.#view = view
    this.#live = out.isTTY === true
  }

  /** A line that stays. */
  say(text: string): void {
    this.#clear()
    this.#out.write(`${text}\n`)
  }

  update(timeline: T): void {
    if (this.#live) this.#redraw(timeline)
    else this.#append(timeline)
  }

  #redraw(timeline: T): void {
    const columns = this.#out.columns ?? 80
    const lines = this.#view.picture(timeline, columns).map((line) => [...line].slice(0, columns - 1).join(''))
    this.#clear()
    this.#out.write(`${lines.join('\n')}\n`)
    this.#drawn = lines.length
  }

  #clear(): void {
    if (this.#drawn > 0) this.#out.write(`\x1b[${this.#drawn}A\x1b[J`)
    this.#drawn = 0
  }

  #append(timeline: T): void {
    for (const mark of timeline.marks.slice(this.#marks)) this.#out.write(`${markLine(mark)}\n`)
    this.#marks = timeline.marks.length
    const latest = this.#view.latest(timeline)
    const said = this.#said
    if (said !== undefined && latest.at - said.at < PLAIN_EVERY_S && latest.stage === said.stage) return
    this.#out.write(`${latest.line}\n`)
    this.#said = latest
  }
}
