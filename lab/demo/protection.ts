import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { LocalControl } from '../../src/agent/index.ts'
import type { ApplyResult, CountersReport } from '../../src/firewall/types.ts'
import { BPFFS, mountBpffs } from '../../src/linux/bpffs.ts'
import { type Ended, ended, stop } from '../../src/linux/process.ts'
import { ownPrefix } from '../owner.ts'
import { startApart } from '../sessions.ts'

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export interface ProtectionOptions {
  /** Namespace of the edge. */
  readonly netns: string
  /** The CPU that the command line and the agent run on. */
  readonly cpu: number
  /** A directory of the demo's own. */
  readonly directory: string
}

/** Seawall as an operator uses it: its command line, run in the edge's namespace, with state of its own. */
export class Protection {
  readonly #options: ProtectionOptions
  readonly #pins = join(BPFFS, `${ownPrefix()}demo`)
  readonly #removePins = () => rmSync(this.#pins, { recursive: true, force: true })
  readonly #env: NodeJS.ProcessEnv
  readonly #kernel: LocalControl
  #agent: ChildProcess | undefined

  constructor(options: ProtectionOptions) {
    this.#options = options
    mountBpffs()
    const run = join(options.directory, 'run')
    this.#env = { ...process.env, SEAWALL_PINS: this.#pins, SEAWALL_RUN: run, NO_COLOR: '1' }
    this.#kernel = new LocalControl({ paths: { bpf: this.#pins, run, netns: options.netns } })
    process.once('exit', this.#removePins)
  }

  /** `seawall apply`: by an agent if one runs, else by the command itself. */
  async apply(config: string): Promise<ApplyResult> {
    return (await this.#command(['apply', '--config', config])) as ApplyResult
  }

  /**
   * `seawall up`: starts an agent and waits until it is ready.
   *
   * @returns whether it adopted what was in force.
   */
  async up(config: string): Promise<{ readonly adopted: boolean }> {
    const agent = this.#start(['up', '--no-watch', '--config', config])
    this.#agent = agent
    const end = ended(agent)
    const ready = await Promise.race([untilReady(agent), end.then((result) => failure('up', result))])
    if (ready instanceof Error) throw ready
    const status = (await this.#command(['status'])) as { readonly agent?: { readonly adopted: boolean } }
    return { adopted: status.agent?.adopted ?? false }
  }

  /** `kill -9` of the agent. */
  async killAgent(): Promise<void> {
    const agent = this.#agent
    if (agent === undefined) throw new Error('Cannot kill the agent: none was started')
    const gone = once(agent, 'exit')
    agent.kill('SIGKILL')
    await gone
    this.#agent = undefined
  }

  /** What the kernel counted, read from the pinned maps, whether an agent runs or not. */
  counters(): Promise<CountersReport> {
    return this.#kernel.counters()
  }

  /** Ends the agent and removes everything from the kernel. */
  async close(): Promise<void> {
    if (this.#agent !== undefined) await stop(this.#agent)
    this.#kernel.close()
    await this.#command(['down']).catch(() => undefined)
    this.#removePins()
    process.removeListener('exit', this.#removePins)
  }

  #start(args: readonly string[]): ChildProcess {
    const { netns, cpu } = this.#options
    const stdio: ('ignore' | 'pipe')[] = ['ignore', 'pipe', 'pipe']
    return startApart(process.execPath, ['--import', 'tsx', CLI, '--json', ...args], {
      netns,
      cpu,
      env: this.#env,
      stdio,
    })
  }

  async #command(args: readonly string[]): Promise<unknown> {
    const result = await ended(this.#start(args))
    if (result.code !== 0) throw failure(args.join(' '), result)
    return JSON.parse(result.stdout)
  }
}

function failure(what: string, { code, signal, stdout, stderr }: Ended): Error {
  return new Error(`Cannot run "seawall ${what}": it ended with ${signal ?? code}: ${(stderr || stdout).trim()}`)
}

/** Resolves when the agent's log, one JSON object a line, says that it is ready. */
function untilReady(agent: ChildProcess): Promise<undefined> {
  return new Promise((resolve) => {
    createInterface({ input: agent.stdout! }).on('line', (line) => {
      if (/^\{.*"event":"ready"/.test(line)) resolve(undefined)
    })
  })
}
