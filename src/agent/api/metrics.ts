import { Counter, Gauge, Registry } from 'prom-client'
import type { Count, CountersReport, FirewallStatus, SocketCounters } from '../../firewall/index.ts'
import type { Control, Status } from '../control.ts'

export interface MetricsOptions {
  readonly control: Control
  readonly version: string
  /** Applies that failed since the agent started, reloads of a changed configuration among them. */
  readonly applyFailures: () => number
  /** What came for sockets with rules in front of them, by name. */
  readonly sockets: () => readonly { readonly name: string; readonly counters: SocketCounters }[]
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
    firewallMetrics(metrics, status.firewall)
    counterMetrics(metrics, await options.control.counters(), status.firewall)
  }
  socketMetrics(metrics, options.sockets())
  return registry.metrics()
}

type Rows = readonly (readonly [labels: readonly string[], value: number])[]

/** Writes whole metrics, rows and all, into one registry. */
class Metrics {
  readonly #registry: Registry

  constructor(registry: Registry) {
    this.#registry = registry
  }

  counter(name: string, help: string, labelNames: string[], rows: Rows): void {
    const counter = new Counter({ name, help, labelNames, registers: [this.#registry] })
    for (const [labels, value] of rows) counter.inc(named(labelNames, labels), value)
  }

  gauge(name: string, help: string, labelNames: string[], rows: Rows): void {
    const gauge = new Gauge({ name, help, labelNames, registers: [this.#registry] })
    for (const [labels, value] of rows) gauge.set(named(labelNames, labels), value)
  }

  /** Two counters, `<name>_packets_total` and `<name>_bytes_total`. */
  count(name: string, what: string, labels: string[], rows: readonly (readonly [readonly string[], Count])[]): void {
    const of = (unit: 'packets' | 'bytes'): Rows => rows.map(([values, count]) => [values, count[unit]])
    this.counter(`${name}_packets_total`, `Packets ${what}`, labels, of('packets'))
    this.counter(`${name}_bytes_total`, `Bytes of the frames ${what}`, labels, of('bytes'))
  }
}

function named(names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']))
}

function agentMetrics(metrics: Metrics, { agent, firewall }: Status): void {
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

function firewallMetrics(metrics: Metrics, firewall: FirewallStatus): void {
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

function socketMetrics(metrics: Metrics, attached: ReturnType<MetricsOptions['sockets']>): void {
  const verdicts = attached.flatMap(({ name, counters: { verdicts } }) =>
    (['pass', 'drop'] as const).map((verdict) => [[name, verdict], verdicts[verdict]] as const),
  )
  metrics.count('seawall_sockets', 'for sockets with rules in front of them, by verdict', ['name', 'verdict'], verdicts)
  const rules = attached.flatMap(({ name, counters }) => counters.rules.map((rule) => [[name, rule.id], rule] as const))
  metrics.count('seawall_sockets_rule', 'that a rule in front of sockets decided or counted', ['name', 'rule'], rules)
}
