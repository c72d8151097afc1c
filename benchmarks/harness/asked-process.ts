import { once } from 'node:events'
import { LineProcess } from '../../lab/line-process.ts'
import type { Netns } from '../../src/linux/netns.ts'
import { start } from '../../src/linux/process.ts'

/** A process that writes a line of JSON when it is ready, and one for each line that it reads. It ends with its standard input. */
export class AskedProcess<First, Answer> {
  readonly first: First
  readonly #process: LineProcess

  private constructor(process: LineProcess, first: First) {
    this.#process = process
    this.first = first
  }

  get pid(): number {
    return this.#process.child.pid!
  }

  static async start<First, Answer>(netns: Netns, line: readonly string[]): Promise<AskedProcess<First, Answer>> {
    const [program, ...args] = line
    const process = new LineProcess(start(program!, args, { netns, stdio: ['pipe', 'pipe', 'inherit'] }))
    return new AskedProcess(process, JSON.parse(await process.hear()))
  }

  async ask(line = ''): Promise<Answer> {
    return JSON.parse(await this.#process.say(line))
  }

  async stop(): Promise<void> {
    const { child } = this.#process
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.stdin!.end()
    await exited
  }
}
