import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A process that answers lines of its input with lines of its output. */
export class LineProcess {
  readonly child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(child: ChildProcess) {
    this.child = child
    this.#lines = createInterface(child.stdout!)[Symbol.asyncIterator]()
  }

  async say(line: string): Promise<string> {
    this.child.stdin!.write(`${line}\n`)
    return await this.hear()
  }

  /** The next line. */
  async hear(): Promise<string> {
    const { value, done } = await this.#lines.next()
    if (done !== true) return value
    throw new Error(`"${this.child.spawnfile}" has ended`)
  }
}
