import type { CountersReport, FirewallStatus } from '../../../firewall/index.ts'
import type { Metrics, Rows } from './metrics.ts'

/** What is in force, and what it has counted. */
export function firewallMetrics(metrics: Metrics, firewall: FirewallStatus, counters: CountersReport): void {
  stateMetrics(metrics, firewall)
  counterMetrics(metrics, counters, firewall)
}

function stateMetrics(metrics: Metrics, firewall: FirewallStatus): void {
  const { generation, appliedAt, digest, interfaces, sets, pending, rules } = firewall
  metrics.gauge('seawall_firewall_generation', 'Number of the generation in force', [], [[[], generation]])
  metrics.gauge(
    'seawall_firewall_applied_time_seconds',
    'When it was applied, Unix time',
    [],
    [[[], Date.parse(appliedAt) / 1000]],
  )
  metrics.gauge(
    'seawall_firewall_config_info',
    'Digest of the configuration in force, always 1',
    ['digest'],
    [[[digest], 1]],
  )
  metrics.gauge(
    'seawall_firewall_confirm_pending',
    'Whether an apply waits to be confirmed',
    [],
    [[[], pending ? 1 : 0]],
  )
  metrics.gauge(
    'seawall_firewall_rules',
    'Rules in force',
    ['origin'],
    [
      [['config'], rules.filter((rule) => !rule.dynamic).length],
      [['dynamic'], rules.filter((rule) => rule.dynamic).length],
    ],
  )
  metrics.gauge(
    'seawall_firewall_interface_attached',
    'Whether the program is attached to the interface',
    ['interface', 'mode'],
    interfaces.map((one) => [[one.name, one.mode], one.attached ? 1 : 0]),
  )
  interfaceCounters(metrics, interfaces)
  const captures = rules.flatMap(({ id, capture }) => (capture === undefined ? [] : [{ id, ...capture }]))
  metrics.gauge('seawall_firewall_captures', 'Captures going on', [], [[[], captures.length]])
  metrics.counter(
    'seawall_firewall_capture_lost_total',
    'Packets that the ring buffer of the capture had no room for',
    ['rule'],
    captures.map(({ id, lost }) => [[id], lost]),
  )
  const ofSets = (value: 'prefixes' | 'bytes'): Rows => sets.map((set) => [[set.name], set[value]])
  metrics.gauge('seawall_firewall_set_prefixes', 'Prefixes in the set', ['set'], ofSets('prefixes'))
  metrics.gauge('seawall_firewall_set_bytes', 'Memory of the set in the kernel', ['set'], ofSets('bytes'))
}

function interfaceCounters(metrics: Metrics, interfaces: FirewallStatus['interfaces']): void {
  metrics.count(
    'seawall_firewall_interface_received',
    "that the interface's driver counted since it was made",
    ['interface'],
    interfaces.flatMap(({ name, received }) => (received === undefined ? [] : [[[name], received] as const])),
  )
  metrics.counter(
    'seawall_firewall_interface_missed_packets_total',
    'Packets that the kernel lost before any program saw them',
    ['interface'],
    interfaces.flatMap(({ name, missed }) => (missed === undefined ? [] : [[[name], missed] as const])),
  )
}

function counterMetrics(metrics: Metrics, report: CountersReport, firewall: FirewallStatus): void {
  const name = 'seawall_firewall'
  const { pass, drop, tx } = report.verdicts
  const verdicts = [[['pass'], pass] as const, [['drop'], drop] as const, [['tx'], tx] as const]
  metrics.count(`${name}_received`, 'that reached the entry program', [], [[[], report.received]])
  metrics.count(name, 'by verdict', ['verdict'], verdicts)
  metrics.count(`${name}_default`, 'that no rule decided', [], [[[], report.byDefault]])
  const malformed = Object.entries(report.malformed).map(([reason, count]) => [[reason], count] as const)
  metrics.count(`${name}_malformed`, 'that no rule saw as they were malformed', ['reason'], malformed)
  const action = new Map(firewall.rules.map((rule) => [rule.id, rule.action]))
  const rules = Object.entries(report.rules).map(([id, count]) => [[id, action.get(id) ?? ''], count] as const)
  metrics.count(
    `${name}_rule`,
    'that the rule decided, or matched if it is a count or a sample; of a limit those over it',
    ['rule', 'action'],
    rules,
  )
  const retired = [[['pass'], report.retired.pass] as const, [['drop'], report.retired.drop] as const]
  metrics.count(`${name}_retired`, 'decided by rules that are no longer in force', ['verdict'], retired)
  const { alarms, ...outcomes } = report.synCookies
  const cookies = Object.entries(outcomes).map(([outcome, count]) => [[outcome], count] as const)
  metrics.count(`${name}_syn_cookie`, 'that SYN cookies had to do with', ['outcome'], cookies)
  metrics.counter(
    `${name}_syn_cookie_alarms_total`,
    'How often cookies began to be sent because SYNs came too fast',
    [],
    [[[], alarms]],
  )
  metrics.counter(
    `${name}_samples_lost_total`,
    'Samples that the ring buffer had no room for',
    [],
    [[[], report.samplesLost.packets]],
  )
}
