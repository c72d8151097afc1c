import type { ChildProcess } from 'node:child_process'
import { stop } from '../src/linux/process.ts'
import { LineProcess } from './line-process.ts'

/** A process that answers each line of its input, an order as JSON, with a line of its output. */
export class Ordered<Order, Answer> {
  readonly #process: LineProcess
  #last: Promise<unknown> = Promise.resolve()

  constructor(child: ChildProcess) {
    this.#process = new LineProcess(child)
  }

  /** One after the other. @throws Error if the process has ended */
  order(order: Order): Promise<Answer> {
    const answer = this.#last.then(() => this.#ask(order))
    this.#last = answer.catch(() => undefined)
    return answer
  }

  stop(): Promise<void> {
    return stop(this.#process.child)
  }

  /** Without waiting for its end. */
  close(): void {
    this.#process.child.kill('SIGKILL')
  }

  async #ask(order: Order): Promise<Answer> {
    return JSON.parse(await this.#process.say(JSON.stringify(order))) as Answer
  }
}
