import type { ChildProcess, StdioOptions } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Netns } from '../../src/linux/netns.ts'
import { stop } from '../../src/linux/process.ts'
import { startApart } from '../sessions.ts'
import type { Command, FloodBounds, PatternSent, Report, SenderOptions } from './messages.ts'

export interface FloodOptions extends SenderOptions {
  readonly netns: Netns
  /** The CPU that makes the packets, and carries them through the router. */
  readonly cpu: number
}

/** An attack, sent by a process of its own so that its caller's event loop stays free. */
export class Flood {
  readonly #child: ChildProcess
  readonly #errors: string[] = []
  #ended: Error | undefined
  /** Those who wait for reports, in the order in which they asked. */
  readonly #waiting: { resolve(report: Report): void; reject(reason: Error): void }[] = []

  private constructor(child: ChildProcess) {
    this.#child = child
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#errors.push(text))
    child.on('message', (report: Report) => this.#waiting.shift()?.resolve(report))
    child.on('close', () => {
      this.#ended = new Error(`Cannot flood: ${this.#errors.join('')}`)
      for (const { reject } of this.#waiting.splice(0)) reject(this.#ended)
    })
  }

  /** Prepares a flood. Nothing is sent before {@link Flood.run}. */
  static async start(options: FloodOptions): Promise<Flood> {
    const { netns, cpu, ...sender } = options
    const main = fileURLToPath(new URL('sender.ts', import.meta.url))
    const args = ['--import', 'tsx', main, JSON.stringify(sender)]
    const stdio: StdioOptions = ['ignore', 'ignore', 'pipe', 'ipc']
    const child = startApart(process.execPath, args, { netns, cpu, stdio })
    const flood = new Flood(child)
    await flood.#nextReport()
    return flood
  }

  /** Sends until a bound is reached or {@link Flood.pause}; replaces a run that goes on. */
  run(bounds: FloodBounds): void {
    this.#tell({ kind: 'run', ...bounds })
  }

  pause(): void {
    this.#tell({ kind: 'pause' })
  }

  /** What was given to the network so far, by pattern, since the start. */
  async sent(): Promise<readonly PatternSent[]> {
    const report = this.#nextReport()
    this.#tell({ kind: 'sent' })
    const answer = await report
    return answer.kind === 'sent' ? answer.patterns : []
  }

  async close(): Promise<void> {
    await stop(this.#child)
  }

  #tell(command: Command): void {
    if (this.#child.connected) this.#child.send(command)
  }

  #nextReport(): Promise<Report> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
    })
  }
}
