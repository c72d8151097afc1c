import { markLine, picture, plainLine } from './picture.ts'
import type { Bucket, Timeline } from './timeline.ts'

/** Seconds between two lines where nothing can be redrawn. */
const PLAIN_EVERY_S = 1

export interface ScreenOutput {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** Shows the timeline while it grows: redrawn on a terminal, a line a second elsewhere. */
export class Screen {
  readonly #out: ScreenOutput
  readonly #live: boolean
  #drawn = 0
  #marks = 0
  #waiting: Bucket[] = []

  constructor(out: ScreenOutput) {
    this.#out = out
    this.#live = out.isTTY === true
  }

  /** A line that stays. */
  say(text: string): void {
    this.#clear()
    this.#out.write(`${text}\n`)
  }

  update(timeline: Timeline): void {
    if (this.#live) this.#redraw(timeline)
    else this.#append(timeline)
  }

  #redraw(timeline: Timeline): void {
    const columns = this.#out.columns ?? 80
    const lines = picture(timeline, columns).map((line) => [...line].slice(0, columns - 1).join(''))
    this.#clear()
    this.#out.write(`${lines.join('\n')}\n`)
    this.#drawn = lines.length
  }

  #clear(): void {
    if (this.#drawn > 0) this.#out.write(`\x1b[${this.#drawn}A\x1b[J`)
    this.#drawn = 0
  }

  #append(timeline: Timeline): void {
    for (const mark of timeline.marks.slice(this.#marks)) this.#out.write(`${markLine(mark)}\n`)
    this.#marks = timeline.marks.length
    this.#waiting.push(timeline.buckets.at(-1)!)
    const [first, last] = [this.#waiting[0]!, this.#waiting.at(-1)!]
    if (last.at - first.at < PLAIN_EVERY_S && last.stage === first.stage) return
    this.#out.write(`${plainLine(last)}\n`)
    this.#waiting = []
  }
}
