import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Netns } from '../src/linux/netns.ts'
import { start } from '../src/linux/process.ts'

const CLI = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))

/** Lines of an agent's log that are told when it cannot start. */
const LAST_LINES = 10

export interface AgentPlace {
  readonly netns: Netns
  /** Where its state is: pins in the BPF file system, and locks and the socket. */
  readonly bpf: string
  readonly run: string
}

/** `seawall up` in a process of its own, as systemd would start it. */
export class AgentProcess {
  readonly socket: string
  /** Its log, one JSON object a line. */
  readonly log: string[] = []
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, run: string) {
    this.#child = child
    this.socket = join(run, 'seawall.sock')
  }

  /** Returns when it is ready. */
  static async start({ netns, bpf, run }: AgentPlace, config: string): Promise<AgentProcess> {
    const args = ['--import', 'tsx', CLI, 'up', '--json', '--no-watch', '--config', config]
    const env = { ...process.env, SEAWALL_PINS: bpf, SEAWALL_RUN: run, NO_COLOR: '1' }
    const agent = new AgentProcess(
      start(process.execPath, args, { netns, env, stdio: ['ignore', 'pipe', 'inherit'] }),
      run,
    )
    await agent.#untilReady()
    return agent
  }

  /** SIGTERM: it leaves what is in force, and ends. */
  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  /** `kill -9` */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** Without waiting for its end. */
  close(): void {
    this.#child.kill('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill(signal)
    await gone
  }

  #untilReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#child.once('exit', (code, signal) => {
        const last = this.log.slice(-LAST_LINES).join('\n')
        reject(new Error(`Cannot start the agent: it ended with ${signal ?? code}: ${last}`))
      })
      createInterface({ input: this.#child.stdout! }).on('line', (line) => {
        this.log.push(line)
        if (line.includes('"event":"ready"')) resolve()
      })
    })
  }
}
