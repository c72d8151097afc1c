import { findConfig, type LoadedConfig, loadConfig } from '../config/index.ts'
import { defaultPaths, type Paths, SeawallError } from '../firewall/index.ts'
import type { Status } from './control.ts'
import { FirewallControl } from './firewall-control.ts'

export interface LocalControlOptions {
  /** Path of the configuration for `plan` and `apply` that name none. */
  readonly config?: string
  readonly paths?: Partial<Paths>
  /** Milliseconds to wait for another writer. */
  readonly waitMs?: number
}

/**
 * Seawall straight on the kernel's state, for when no agent runs. Nobody keeps time then: whoever applies with a time to confirm it in
 * has to call `rollback` himself, or start an agent, which will.
 */
export class LocalControl extends FirewallControl {
  readonly #config: string | undefined

  constructor(options: LocalControlOptions = {}) {
    const { config, paths, waitMs } = options
    super({ ...defaultPaths, ...paths }, waitMs)
    this.#config = config
  }

  async status(): Promise<Status> {
    return { running: false, ...this.inForce() }
  }

  /** Rolls back if a confirmation is overdue by then, CLOCK_MONOTONIC nanoseconds. Returns whether it was. */
  async rollbackIfDue(due: bigint): Promise<boolean> {
    return (await this.firewall.rollback(due)) !== undefined
  }

  close(): void {
    this.firewall.close()
  }

  protected load(config: string | undefined): Promise<LoadedConfig> {
    const path = config ?? this.#config ?? findConfig(process.cwd())
    if (path !== undefined) return loadConfig(path)
    throw new SeawallError(
      'SEAWALL_INPUT',
      `Cannot find a configuration in "${process.cwd()}": wanted seawall.config.ts, or seawall.yaml (name one with --config)`,
    )
  }
}
