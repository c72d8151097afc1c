import { type BackendStatus, Keeper } from '../balancer/index.ts'
import { ConfigError, type LoadedConfig, loadConfig } from '../config/index.ts'
import { DispatchKeeper } from '../dispatch/index.ts'
import {
  type ApplyResult,
  type CaptureRequest,
  defaultPaths,
  type Lock,
  type Paths,
  type RuleStatus,
  takeLock,
} from '../firewall/index.ts'
import type { ApplyOptions, DropOptions, Status } from './control.ts'
import { FirewallControl } from './firewall-control.ts'
import { InterfaceGuard } from './interface-guard.ts'
import { Timer } from './timer.ts'
import { FileWatch } from './watch.ts'

export interface AgentEvent {
  readonly level: 'info' | 'warn' | 'error'
  /** Stable name, such as `adopted`, `applied`, `apply-failed`. */
  readonly event: string
  readonly message: string
}

export interface AgentOptions {
  /** Path of the configuration. */
  readonly config: string
  readonly paths?: Partial<Paths>
  /** Apply again when the configuration or a file of a set changes; default true. */
  readonly watch?: boolean
  readonly log?: (event: AgentEvent) => void
}

/** Milliseconds that the agent waits for another writer: a command without an agent may be at work. */
const WAIT_MS = 5_000

/**
 * Keeps the kernel's state as the configuration wants it: adopts what an agent before it left, follows changes of files, rolls back what is
 * not confirmed in time, clears away rules that have expired, and attaches interfaces that come back. Packets do not depend on it.
 */
export class Agent extends FirewallControl {
  readonly #lock: Lock
  readonly #log: (event: AgentEvent) => void
  readonly #watch: FileWatch | undefined
  readonly #confirm = new Timer(() => this.#rollBackIfDue())
  readonly #expiry = new Timer(() => this.#collectExpired())
  readonly #guard: InterfaceGuard
  readonly #keeper: Keeper
  readonly #dispatchKeeper: DispatchKeeper
  readonly #startedAt = new Date().toISOString()
  #loaded: LoadedConfig
  #warned: readonly string[] = []
  #adopted = false
  #stopped = false

  private constructor(paths: Paths, lock: Lock, loaded: LoadedConfig, options: AgentOptions) {
    super(paths, WAIT_MS)
    this.#lock = lock
    this.#loaded = loaded
    this.#log = options.log ?? (() => undefined)
    this.#guard = new InterfaceGuard(this.firewall, this.#log)
    this.#keeper = new Keeper({ paths, waitMs: WAIT_MS, log: this.#log })
    this.#dispatchKeeper = new DispatchKeeper({ paths, waitMs: WAIT_MS, log: this.#log })
    if (options.watch !== false) {
      this.#watch = new FileWatch(
        (files) => void this.#filesChanged(files),
        (error) => this.#failed('watch-failed', 'Cannot watch files', error),
      )
    }
  }

  /**
   * Starts the agent of this machine: adopts what is in force, or applies the configuration.
   *
   * @throws ConfigError, SeawallError SEAWALL_LOCKED when an agent runs already, and whatever an apply can fail with
   */
  static async start(options: AgentOptions): Promise<Agent> {
    const loaded = await loadConfig(options.config)
    const paths = { ...defaultPaths, ...options.paths }
    const lock = await takeLock(paths.run, 'agent.lock')
    const agent = new Agent(paths, lock, loaded, options)
    try {
      await agent.#takeOver()
      agent.#guard.start()
      await agent.#keeper.start()
      await agent.#dispatchKeeper.start()
    } catch (error) {
      await agent.stop()
      throw error
    }
    return agent
  }

  /** Whether the state of an agent before was taken over. */
  get adopted(): boolean {
    return this.#adopted
  }

  /** The configuration in force, as it was read last. */
  get loaded(): LoadedConfig {
    return this.#loaded
  }

  async status(): Promise<Status> {
    const agent = { pid: process.pid, adopted: this.#adopted, startedAt: this.#startedAt, config: this.#loaded.path }
    return { running: true, agent, ...this.inForce() }
  }

  override async apply({ config, confirmWithinMs }: ApplyOptions = {}): Promise<ApplyResult> {
    const loaded = await this.load(config)
    const result = await this.applyLoaded(loaded, confirmWithinMs === undefined ? {} : { confirmWithinMs })
    this.#follow(loaded)
    this.#tell('applied', result.changed ? `Generation ${result.generation} is in force` : 'Nothing has changed')
    this.#warn(result)
    return result
  }

  override async confirm(): Promise<{ readonly generation: number }> {
    const confirmed = await super.confirm()
    this.#schedule()
    this.#tell('confirmed', `Generation ${confirmed.generation} stays`)
    return confirmed
  }

  override async rollback(): Promise<{ readonly generation?: number }> {
    const back = await super.rollback()
    this.#schedule()
    this.#tell('rolled-back', describeRollback(back))
    return back
  }

  override async drop(expr: string, options: DropOptions = {}): Promise<RuleStatus> {
    const rule = await super.drop(expr, options)
    this.#schedule()
    this.#tell('rule-added', `${rule.id}: ${rule.text}`)
    return rule
  }

  override async undo(id: string): Promise<RuleStatus> {
    const rule = await super.undo(id)
    this.#tell('rule-removed', `${rule.id}: ${rule.text}`)
    return rule
  }

  override async backends(): Promise<readonly BackendStatus[]> {
    return this.balancer.backends(this.#keeper.failures())
  }

  protected override async setDrained(backend: string, drained: boolean): Promise<BackendStatus> {
    const status = await super.setDrained(backend, drained)
    this.#tell(drained ? 'drained' : 'undrained', `${backend}: ${status.state}, owns ${status.buckets} buckets`)
    return status
  }

  protected override drainBackend(backend: string, drained: boolean): Promise<void> {
    return this.#keeper.setDrained(backend, drained)
  }

  override async capture(request: CaptureRequest): Promise<RuleStatus> {
    const rule = await super.capture(request)
    this.#schedule()
    this.#tell('capture-began', `${rule.id}: ${rule.text}`)
    return rule
  }

  override async down(): Promise<void> {
    this.#watch?.close()
    await super.down()
    this.#tell('down', 'Everything was removed')
  }

  protected load(config: string | undefined): Promise<LoadedConfig> {
    return loadConfig(config ?? this.#loaded.path)
  }

  /** Ends the agent; packets go on to be filtered. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#watch?.close()
    this.#confirm.clear()
    this.#expiry.clear()
    this.#guard.stop()
    await this.#keeper.stop()
    await this.#dispatchKeeper.stop()
    this.firewall.close()
    this.#lock.release()
  }

  /**
   * What waits for its confirmation is not touched: applying the configuration of the disk would be a confirmation of sorts, or
   * throw away what somebody is trying out.
   */
  async #takeOver(): Promise<void> {
    this.#adopted = this.firewall.isUp()
    if (this.#adopted) await this.firewall.reconcile()
    await this.#rollBackIfDue()
    if (this.firewall.confirmDue() !== undefined) this.#tell('adopted', 'Adopted what waits for its confirmation')
    else if (this.#adopted) await this.#bringUpToDate()
    else {
      const result = await this.applyLoaded(this.#loaded)
      this.#tell('applied', `Applied: generation ${result.generation} is in force`)
      this.#warn(result)
    }
    this.#follow(this.#loaded)
  }

  /** A machine that is protected needs its agent, for roll backs and the API, also if the configuration asks for what cannot be. */
  async #bringUpToDate(): Promise<void> {
    try {
      const result = await this.applyLoaded(this.#loaded)
      const how = result.changed ? 'Adopted and brought up to date' : 'Adopted'
      this.#tell('adopted', `${how}: generation ${result.generation} is in force`)
      this.#warn(result)
    } catch (error) {
      this.#failed('apply-failed', 'Adopted, but the configuration cannot be applied, so nothing has changed', error)
    }
  }

  #follow(loaded: LoadedConfig): void {
    this.#loaded = loaded
    if (!this.#stopped) this.#watch?.set(loaded.files)
    this.#schedule()
  }

  /** Sets the timers to what the kernel's state says. */
  #schedule(): void {
    if (this.#stopped) return
    const pending = this.firewall.isUp() ? this.firewall.status() : undefined
    this.#confirm.set(pending?.pending?.dueInMs)
    const expiries = (pending?.rules ?? []).flatMap((rule) => rule.expiresInMs ?? [])
    this.#expiry.set(expiries.length === 0 ? undefined : Math.min(...expiries))
  }

  async #filesChanged(files: readonly string[]): Promise<void> {
    try {
      const loaded = await loadConfig(this.#loaded.path)
      const minor = !files.includes(this.#loaded.path)
      const result = await this.applyLoaded(loaded, { minor })
      this.#follow(loaded)
      if (!result.changed) return
      this.#tell('applied', `Files changed: generation ${result.generation} is in force`)
      this.#warn(result)
    } catch (error) {
      this.#failed('apply-failed', 'Files changed, but cannot be applied, so nothing has changed', error)
    }
  }

  async #rollBackIfDue(): Promise<void> {
    try {
      const due = this.firewall.confirmDue()
      const now = process.hrtime.bigint()
      if (due === undefined || due > now) return this.#schedule()
      const back = await this.firewall.rollback(now)
      if (back !== undefined) this.#tell('rolled-back', `Not confirmed in time: ${describeRollback(back)}`, 'warn')
      this.#schedule()
    } catch (error) {
      this.#failed('rollback-failed', 'Cannot roll back', error)
      if (!this.#stopped) this.#confirm.set(RETRY_MS)
    }
  }

  async #collectExpired(): Promise<void> {
    try {
      const collected = await this.firewall.collectExpired()
      if (collected > 0) this.#tell('rules-expired', `Rules that expired: ${collected}`)
      this.#schedule()
    } catch (error) {
      this.#failed('collect-failed', 'Cannot remove expired rules, which match nothing any more', error)
      if (!this.#stopped) this.#expiry.set(RETRY_MS)
    }
  }

  #tell(event: string, message: string, level: AgentEvent['level'] = 'info'): void {
    this.#log({ level, event, message })
  }

  /** What was warned of before is not said again at each reload. */
  #warn({ plan }: ApplyResult): void {
    for (const warning of plan.warnings) if (!this.#warned.includes(warning)) this.#tell('warning', warning, 'warn')
    this.#warned = plan.warnings
  }

  #failed(event: string, what: string, error: unknown): void {
    const reason =
      error instanceof ConfigError ? `\n${error.message}` : `: ${error instanceof Error ? error.message : error}`
    this.#log({ level: 'error', event, message: `${what}${error instanceof ConfigError ? ':' : ''}${reason}` })
  }
}

/** Milliseconds until something that failed is tried again. */
const RETRY_MS = 1_000

function describeRollback({ generation }: { readonly generation?: number }): string {
  return generation === undefined ? 'Nothing is in force, as before' : `Rolled back, as generation ${generation}`
}
