import { findConfig, type LoadedConfig, loadConfig } from '../config/index.ts'
import {
  type ApplyResult,
  type CaptureRequest,
  type CountersReport,
  defaultPaths,
  Firewall,
  FirewallError,
  type Paths,
  type Plan,
  type ProbeReport,
  type RuleStatus,
  type Sample,
  type SetStatus,
} from '../firewall/index.ts'
import type { ApplyOptions, Control, DropOptions, SetChange, Status } from './control.ts'

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
export class LocalControl implements Control {
  readonly #firewall: Firewall
  readonly #config: string | undefined

  constructor(options: LocalControlOptions = {}) {
    const { config, paths, waitMs } = options
    this.#firewall = new Firewall({ ...defaultPaths, ...paths }, waitMs === undefined ? {} : { waitMs })
    this.#config = config
  }

  async status(): Promise<Status> {
    return this.#firewall.isUp() ? { running: false, firewall: this.#firewall.status() } : { running: false }
  }

  async plan(config?: string): Promise<Plan> {
    return this.#firewall.plan(await this.#load(config))
  }

  async apply(options: ApplyOptions = {}): Promise<ApplyResult> {
    const loaded = await this.#load(options.config)
    const { confirmWithinMs } = options
    return this.#firewall.apply({ ...loaded, ...(confirmWithinMs === undefined ? {} : { confirmWithinMs }) })
  }

  confirm(): Promise<{ readonly generation: number }> {
    return this.#firewall.confirm()
  }

  async rollback(): Promise<{ readonly generation?: number }> {
    return (await this.#firewall.rollback()) ?? {}
  }

  async rules(): Promise<readonly RuleStatus[]> {
    return this.#firewall.rules()
  }

  async sets(): Promise<readonly SetStatus[]> {
    return this.#firewall.sets()
  }

  async counters(): Promise<CountersReport> {
    return this.#firewall.counters()
  }

  addToSet(set: string, prefix: string): Promise<SetChange> {
    return changeSet(this.#firewall, set, 'add', prefix)
  }

  deleteFromSet(set: string, prefix: string): Promise<SetChange> {
    return changeSet(this.#firewall, set, 'delete', prefix)
  }

  async contains(set: string, addresses: readonly string[]): Promise<readonly boolean[]> {
    return this.#firewall.contains(set, addresses)
  }

  drop(expr: string, options: DropOptions = {}): Promise<RuleStatus> {
    return this.#firewall.drop({ expr, ...options })
  }

  undo(id: string): Promise<RuleStatus> {
    return this.#firewall.undo(id)
  }

  capture(request: CaptureRequest): Promise<RuleStatus> {
    return this.#firewall.capture(request)
  }

  probe(packets: readonly Uint8Array[]): Promise<ProbeReport> {
    return this.#firewall.probe(packets)
  }

  samples(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<Sample> {
    return this.#firewall.samples(options)
  }

  down(): Promise<void> {
    return this.#firewall.down()
  }

  close(): void {
    this.#firewall.close()
  }

  #load(config: string | undefined): Promise<LoadedConfig> {
    const path = config ?? this.#config ?? findConfig(process.cwd())
    if (path !== undefined) return loadConfig(path)
    throw new FirewallError(
      'SEAWALL_INPUT',
      `Cannot find a configuration in "${process.cwd()}": wanted seawall.config.ts, or seawall.yaml (name one with --config)`,
    )
  }
}

/** Changes one element of a set and tells how long that took. */
export async function changeSet(
  firewall: Firewall,
  set: string,
  op: 'add' | 'delete',
  prefix: string,
): Promise<SetChange> {
  const started = performance.now()
  const changed = await firewall.changeSet(set, op, prefix)
  return { set, prefix, changed, tookMs: performance.now() - started }
}
