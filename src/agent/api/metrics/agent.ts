import type { Status } from '../../control.ts'
import type { Metrics } from './metrics.ts'

export function agentMetrics(metrics: Metrics, { agent, firewall }: Status): void {
  metrics.gauge('seawall_firewall_up', 'Whether a generation is in force', [], [[[], firewall === undefined ? 0 : 1]])
  if (agent === undefined) return
  metrics.gauge(
    'seawall_agent_start_time_seconds',
    'When the agent started, Unix time',
    [],
    [[[], Date.parse(agent.startedAt) / 1000]],
  )
  metrics.gauge(
    'seawall_agent_adopted',
    'Whether the agent found a generation in force when it started',
    [],
    [[[], agent.adopted ? 1 : 0]],
  )
}
