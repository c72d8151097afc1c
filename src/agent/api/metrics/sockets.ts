import type { SocketCounters } from '../../../firewall/index.ts'
import type { Metrics } from './metrics.ts'

/** What came for sockets with rules in front of them, by name. */
export interface NamedSockets {
  readonly name: string
  readonly counters: SocketCounters
}

export function socketMetrics(metrics: Metrics, attached: readonly NamedSockets[]): void {
  const verdicts = attached.flatMap(({ name, counters: { verdicts } }) =>
    (['pass', 'drop'] as const).map((verdict) => [[name, verdict], verdicts[verdict]] as const),
  )
  metrics.count('seawall_sockets', 'for sockets with rules in front of them, by verdict', ['name', 'verdict'], verdicts)
  const rules = attached.flatMap(({ name, counters }) => counters.rules.map((rule) => [[name, rule.id], rule] as const))
  metrics.count('seawall_sockets_rule', 'that a rule in front of sockets decided or counted', ['name', 'rule'], rules)
}
