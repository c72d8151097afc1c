import type { BackendStatus, BalancerStatus, Impact, ServiceStatus, Where } from '../balancer/types.ts'
import type { BindingStatus, DispatchStatus } from '../dispatch/types.ts'
import type { CaptureRequest } from '../firewall/capture.ts'
import type {
  ApplyResult,
  CountersReport,
  FirewallStatus,
  Plan,
  ProbeReport,
  RuleStatus,
  Sample,
  SetStatus,
} from '../firewall/types.ts'

export interface ApplyOptions {
  /** Path of a configuration; the one that the agent was started with if absent. */
  readonly config?: string
  /** Roll back by itself after so many milliseconds unless `confirm` is called; counted from when it is in force. */
  readonly confirmWithinMs?: number
}

export interface DropOptions {
  /** Milliseconds until the rule expires; it stays until `undo` if absent. */
  readonly forMs?: number
  readonly id?: string
}

export interface SetChange {
  readonly set: string
  readonly prefix: string
  /** False if the set already was like this. */
  readonly changed: boolean
  readonly tookMs: number
}

export interface Status {
  readonly running: boolean
  /** Process id of the agent, if one runs. */
  readonly agent?: {
    readonly pid: number
    readonly adopted: boolean
    readonly startedAt: string
    readonly config: string
  }
  readonly firewall?: FirewallStatus
  /** Absent if the configuration in force has no balancer. */
  readonly balancer?: BalancerStatus
  /** Absent if nothing was ever bound or registered. */
  readonly dispatch?: DispatchStatus
}

/**
 * Everything that can be asked of a running Seawall. `Agent` does it in its own process, the client of the local API by
 * asking an agent, and `LocalControl` straight on the kernel's state when no agent runs.
 */
export interface Control {
  status(): Promise<Status>
  plan(config?: string): Promise<Plan>
  apply(options?: ApplyOptions): Promise<ApplyResult>
  /** Keep what was applied with `confirmWithinMs`. */
  confirm(): Promise<{ readonly generation: number }>
  /** Back to the generation before; `generation` is absent if that was nothing at all. */
  rollback(): Promise<{ readonly generation?: number }>
  rules(): Promise<readonly RuleStatus[]>
  sets(): Promise<readonly SetStatus[]>
  counters(): Promise<CountersReport>
  addToSet(set: string, prefix: string): Promise<SetChange>
  deleteFromSet(set: string, prefix: string): Promise<SetChange>
  /** Whether the set holds each address. */
  contains(set: string, addresses: readonly string[]): Promise<readonly boolean[]>
  drop(expr: string, options?: DropOptions): Promise<RuleStatus>
  undo(id: string): Promise<RuleStatus>
  /** Begins to copy packets for whoever opens the capture of that id; `undo` ends it. */
  capture(request: CaptureRequest): Promise<RuleStatus>
  /** Test runs of the live program, which leave its counters alone. */
  probe(packets: readonly Uint8Array[]): Promise<ProbeReport>
  samples(options?: { readonly signal?: AbortSignal }): AsyncIterable<Sample>
  /** @throws SeawallError SEAWALL_NO_BALANCER if none is in force, as all below */
  services(): Promise<readonly ServiceStatus[]>
  backends(): Promise<readonly BackendStatus[]>
  /** What a configuration would do to the flows of each table. */
  impact(config?: string): Promise<readonly Impact[]>
  /** Moves all buckets of a backend to the others; its connections stay until they end. */
  drain(backend: string): Promise<BackendStatus>
  undrain(backend: string): Promise<BackendStatus>
  /** Which server gets each packet, and why. */
  where(packets: readonly Uint8Array[]): Promise<readonly Where[]>
  /** @throws SeawallError SEAWALL_NO_DISPATCH if nothing was ever bound or registered */
  bindings(): Promise<readonly BindingStatus[]>
  /** Detach and remove everything: packets pass as if Seawall had never been there. */
  down(): Promise<void>
}
