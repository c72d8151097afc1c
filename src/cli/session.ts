import { join, resolve } from 'node:path'
import pc from 'picocolors'
import { findAgent } from '../agent/api/find-agent.ts'
import type { Control, LocalControl } from '../agent/index.ts'
import { findConfig } from '../config/index.ts'
import { defaultPaths, type Paths } from '../entry/paths.ts'
import type { Environment } from './environment.ts'
import { usageError } from './exit-codes.ts'
import { formatJson } from './format/json.ts'
import { type Column, formatTable } from './format/table.ts'
import { withProgress } from './progress.ts'

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean
  readonly debug?: boolean
  /** False for `--no-color`. */
  readonly color?: boolean
  readonly socket?: string
  readonly netns?: string
}

/** One run of one command: what it prints with, and what it acts on. */
export class Session {
  readonly env: Environment
  readonly json: boolean
  readonly debug: boolean
  readonly paths: Paths
  /** The local API of the agent, whether one runs or not. */
  readonly socket: string
  /** True if the socket was named, by option or environment. */
  readonly socketGiven: boolean
  readonly colors: ReturnType<typeof pc.createColors>
  #control: Promise<Control> | undefined
  #local: LocalControl | undefined

  constructor(env: Environment, options: GlobalOptions = {}) {
    this.env = env
    this.json = options.json === true
    this.debug = options.debug === true
    this.colors = pc.createColors(options.color !== false && wantsColor(env))
    this.paths = pathsOf(env, options)
    const socket = options.socket ?? env.env.SEAWALL_SOCKET
    this.socketGiven = socket !== undefined
    this.socket = resolve(env.cwd, socket ?? join(this.paths.run, 'seawall.sock'))
  }

  /** Prints a result: as one JSON document with `--json`, as text for people otherwise. */
  result(document: unknown, text: () => string): void {
    this.env.stdout.write(this.json ? formatJson(document) : text())
  }

  /** A remark for people, on standard error. */
  note(text: string): void {
    if (!this.json) this.env.stderr.write(`${text}\n`)
  }

  /** A table as wide as the terminal. */
  table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
    return formatTable(columns, rows, { width: this.env.stdout.columns, head: this.colors.dim })
  }

  /** Waits for something, and says so on standard error once it has taken a second. */
  progress<T>(what: string, work: Promise<T>): Promise<T> {
    return this.json ? work : withProgress(this.env.stderr, what, work)
  }

  /** The agent, if one answers, or else the kernel's state itself. */
  control(config?: string): Promise<Control> {
    this.#control ??= this.#open(config)
    return this.#control
  }

  /** True if {@link control} goes straight to the kernel, as no agent runs. */
  get local(): boolean {
    return this.#local !== undefined
  }

  /**
   * The absolute path of a configuration: the one named, or `SEAWALL_CONFIG`, or the one found in the present folder or in
   * `/etc/seawall`.
   *
   * @throws SeawallError SEAWALL_INPUT when there is none.
   */
  configPath(named: string | undefined): string {
    const path = this.findConfigPath(named)
    if (path !== undefined) return path
    throw usageError(
      `Cannot find a configuration: there is none in "${this.env.cwd}" or in "${ETC}" (write seawall.config.ts, or use --config FILE)`,
    )
  }

  /** As {@link configPath}, but `undefined` when there is none. */
  findConfigPath(named: string | undefined): string | undefined {
    const given = named ?? this.env.env.SEAWALL_CONFIG
    if (given !== undefined) return resolve(this.env.cwd, given)
    return findConfig(this.env.cwd) ?? findConfig(ETC)
  }

  close(): void {
    this.#local?.close()
  }

  async #open(config: string | undefined): Promise<Control> {
    if (this.env.control !== undefined) return this.env.control
    const agent = await findAgent(this.socket)
    if (agent !== undefined) return agent
    // Not at the top: libbpf is loaded with it, and help and checks work without.
    const agentModule = await import('../agent/index.ts')
    this.#local = new agentModule.LocalControl({
      paths: this.paths,
      waitMs: WAIT_MS,
      ...(config === undefined ? {} : { config }),
    })
    return this.#local
  }
}

/** Milliseconds that a command waits for another writer. */
export const WAIT_MS = 1_000

/** Where a configuration is looked for beside the present folder. */
export const ETC = '/etc/seawall'

/** NO_COLOR wins over FORCE_COLOR (no-color.org); without either, colours are for terminals. */
function wantsColor({ env, stdout }: Environment): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0') return true
  return stdout.isTTY && env.TERM !== 'dumb'
}

function pathsOf({ env }: Environment, options: GlobalOptions): Paths {
  return {
    bpf: env.SEAWALL_PINS ?? defaultPaths.bpf,
    run: env.SEAWALL_RUN ?? defaultPaths.run,
    netns: options.netns ?? env.SEAWALL_NETNS ?? defaultPaths.netns,
  }
}
