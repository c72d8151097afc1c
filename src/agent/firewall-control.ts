import {
  type BackendStatus,
  Balancer,
  BalancerPart,
  fetchSeed,
  type Impact,
  type ServiceStatus,
  type Where,
} from '../balancer/index.ts'
import type { LoadedConfig } from '../config/index.ts'
import { type BindingStatus, Dispatch, DispatchPart } from '../dispatch/index.ts'
import { unless } from '../entry/errors.ts'
import type { Part } from '../entry/part.ts'
import {
  type ApplyRequest,
  type ApplyResult,
  type CaptureRequest,
  type CountersReport,
  Firewall,
  type Paths,
  type Plan,
  type ProbeReport,
  type RuleStatus,
  type Sample,
  type SetStatus,
} from '../firewall/index.ts'
import type { ApplyOptions, Control, DropOptions, SetChange, Status } from './control.ts'

/** What is asked of Seawall, done by the firewall of this process: alike whether it is an agent's or a command's. */
export abstract class FirewallControl implements Control {
  protected readonly firewall: Firewall
  protected readonly balancer: Balancer
  protected readonly dispatch: Dispatch
  readonly #paths: Paths

  protected constructor(paths: Paths, waitMs?: number) {
    const options = waitMs === undefined ? {} : { waitMs }
    this.#paths = paths
    this.firewall = new Firewall(paths, { ...options, parts: [BalancerPart.kept(paths), DispatchPart.kept(paths)] })
    this.balancer = new Balancer(paths, options)
    this.dispatch = new Dispatch(paths, options)
  }

  abstract status(): Promise<Status>

  /** What of the status is read from the kernel. Another process may take it away meanwhile. */
  protected inForce(): Pick<Status, 'firewall' | 'balancer' | 'dispatch'> {
    const dispatch = this.dispatch.isLoaded() ? { dispatch: this.dispatch.status() } : {}
    const firewall = unless('SEAWALL_NOT_UP', () => this.firewall.status())
    if (firewall === undefined) return dispatch
    const balancer = unless('SEAWALL_NO_BALANCER', () => this.balancer.status())
    return { firewall, ...(balancer && { balancer }), ...dispatch }
  }

  /** Reads a configuration: the one at a path, or the usual one. */
  protected abstract load(config: string | undefined): Promise<LoadedConfig>

  async plan(config?: string): Promise<Plan> {
    const loaded = await this.load(config)
    return this.firewall.plan({ ...loaded, parts: await this.parts(loaded) })
  }

  async apply({ config, confirmWithinMs }: ApplyOptions = {}): Promise<ApplyResult> {
    return this.applyLoaded(await this.load(config), confirmWithinMs === undefined ? {} : { confirmWithinMs })
  }

  protected async applyLoaded(
    loaded: LoadedConfig,
    options: Pick<ApplyRequest, 'confirmWithinMs' | 'minor'> = {},
  ): Promise<ApplyResult> {
    return this.firewall.apply({ ...loaded, ...options, parts: await this.parts(loaded) })
  }

  /** What comes behind the rules, and beside them, by a configuration. */
  protected async parts({ balancer, dispatch }: LoadedConfig): Promise<readonly Part[]> {
    const isNew = balancer !== undefined && !this.balancer.isUp()
    const seed = isNew ? await fetchSeed(this.#paths, balancer) : undefined
    return [BalancerPart.of(this.#paths, balancer, seed), DispatchPart.of(this.#paths, dispatch)]
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

  async services(): Promise<readonly ServiceStatus[]> {
    return this.balancer.services()
  }

  async backends(): Promise<readonly BackendStatus[]> {
    return this.balancer.backends()
  }

  async impact(config?: string): Promise<readonly Impact[]> {
    return this.balancer.impact((await this.load(config)).balancer)
  }

  drain(backend: string): Promise<BackendStatus> {
    return this.setDrained(backend, true)
  }

  undrain(backend: string): Promise<BackendStatus> {
    return this.setDrained(backend, false)
  }

  protected async setDrained(backend: string, drained: boolean): Promise<BackendStatus> {
    await this.drainBackend(backend, drained)
    return (await this.backends()).find(({ name }) => name === backend)!
  }

  /** Where an agent runs, the fleet is asked. */
  protected drainBackend(backend: string, drained: boolean): Promise<void> {
    return this.balancer.setDrained(backend, drained)
  }

  where(packets: readonly Uint8Array[]): Promise<readonly Where[]> {
    return this.balancer.where(packets)
  }

  async bindings(): Promise<readonly BindingStatus[]> {
    return await this.dispatch.bindings()
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
