import { Registry } from 'prom-client'
import type { Control } from '../control.ts'
import { agentMetrics } from './metrics/agent.ts'
import { balancerMetrics } from './metrics/balancer.ts'
import { BINDINGS_LISTED, dispatchMetrics } from './metrics/dispatch.ts'
import { firewallMetrics } from './metrics/firewall.ts'
import { Metrics } from './metrics/metrics.ts'
import { type NamedSockets, socketMetrics } from './metrics/sockets.ts'

export interface MetricsOptions {
  readonly control: Control
  readonly version: string
  /** Applies that failed since the agent started, reloads of a changed configuration among them. */
  readonly applyFailures: () => number
  /** What came for sockets with rules in front of them, by name. */
  readonly sockets: () => readonly NamedSockets[]
}

/**
 * The metrics as Prometheus text. Everything is read at the scrape, into a registry of its own, so what is gone in the kernel
 * is gone here, and two scrapes at once do not mix.
 */
export async function metricsText(options: MetricsOptions): Promise<string> {
  const registry = new Registry()
  const metrics = new Metrics(registry)
  metrics.gauge(
    'seawall_build_info',
    'Version of the agent, always 1',
    ['version', 'node'],
    [[[options.version, process.version], 1]],
  )
  metrics.counter(
    'seawall_agent_apply_failures_total',
    'Applies that failed since the agent started',
    [],
    [[[], options.applyFailures()]],
  )
  const status = await options.control.status()
  agentMetrics(metrics, status)
  if (status.firewall !== undefined) {
    firewallMetrics(metrics, status.firewall, await options.control.counters())
  }
  if (status.balancer !== undefined) {
    const [services, backends] = [await options.control.services(), await options.control.backends()]
    balancerMetrics(metrics, { status: status.balancer, services, backends })
  }
  if (status.dispatch !== undefined) {
    const few = status.dispatch.bindings <= BINDINGS_LISTED
    dispatchMetrics(metrics, status.dispatch, few ? await options.control.bindings() : [])
  }
  socketMetrics(metrics, options.sockets())
  return registry.metrics()
}
