import type { LoadedConfig } from '../config/index.ts'
import type {
  ApplyResult,
  CaptureRequest,
  CountersReport,
  Firewall,
  Plan,
  ProbeReport,
  RuleStatus,
  Sample,
  SetStatus,
} from '../firewall/index.ts'
import type { ApplyOptions, Control, DropOptions, SetChange, Status } from './control.ts'

/** What is asked of Seawall, done by the firewall of this process: alike whether it is an agent's or a command's. */
export abstract class FirewallControl implements Control {
  protected readonly firewall: Firewall

  protected constructor(firewall: Firewall) {
    this.firewall = firewall
  }

  abstract status(): Promise<Status>

  /** Reads a configuration: the one at a path, or the usual one. */
  protected abstract load(config: string | undefined): Promise<LoadedConfig>

  async plan(config?: string): Promise<Plan> {
    return this.firewall.plan(await this.load(config))
  }

  async apply({ config, confirmWithinMs }: ApplyOptions = {}): Promise<ApplyResult> {
    return this.applyLoaded(await this.load(config), confirmWithinMs)
  }

  protected applyLoaded(loaded: LoadedConfig, confirmWithinMs: number | undefined): Promise<ApplyResult> {
    return this.firewall.apply({ ...loaded, ...(confirmWithinMs === undefined ? {} : { confirmWithinMs }) })
  }

  confirm(): Promise<{ readonly generation: number }> {
    return this.firewall.confirm()
  }

  async rollback(): Promise<{ readonly generation?: number }> {
    return (await this.firewall.rollback()) ?? {}
  }

  async rules(): Promise<readonly RuleStatus[]> {
    return this.firewall.rules()
  }

  async sets(): Promise<readonly SetStatus[]> {
    return this.firewall.sets()
  }

  async counters(): Promise<CountersReport> {
    return this.firewall.counters()
  }

  addToSet(set: string, prefix: string): Promise<SetChange> {
    return this.#changeSet(set, 'add', prefix)
  }

  deleteFromSet(set: string, prefix: string): Promise<SetChange> {
    return this.#changeSet(set, 'delete', prefix)
  }

  async contains(set: string, addresses: readonly string[]): Promise<readonly boolean[]> {
    return this.firewall.contains(set, addresses)
  }

  drop(expr: string, options: DropOptions = {}): Promise<RuleStatus> {
    return this.firewall.drop({ expr, ...options })
  }

  undo(id: string): Promise<RuleStatus> {
    return this.firewall.undo(id)
  }

  capture(request: CaptureRequest): Promise<RuleStatus> {
    return this.firewall.capture(request)
  }

  probe(packets: readonly Uint8Array[]): Promise<ProbeReport> {
    return this.firewall.probe(packets)
  }

  samples(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<Sample> {
    return this.firewall.samples(options)
  }

  down(): Promise<void> {
    return this.firewall.down()
  }

  async #changeSet(set: string, op: 'add' | 'delete', prefix: string): Promise<SetChange> {
    const started = performance.now()
    const changed = await this.firewall.changeSet(set, op, prefix)
    return { set, prefix, changed, tookMs: performance.now() - started }
  }
}
