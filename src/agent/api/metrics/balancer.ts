import type { BackendStatus, BalancerStatus, FlowCount, ServiceStatus, Share } from '../../../balancer/index.ts'
import type { Metrics, Rows } from './metrics.ts'

export interface BalancerReport {
  readonly status: BalancerStatus
  readonly services: readonly ServiceStatus[]
  readonly backends: readonly BackendStatus[]
}

const NAME = 'seawall_balancer'

/** The balancer's state and counters. */
export function balancerMetrics(metrics: Metrics, { status, services, backends }: BalancerReport): void {
  stateMetrics(metrics, status)
  flowMetrics(metrics, 'service', new Map(services.map(({ id, count }) => [id, count])))
  flowMetrics(metrics, 'backend', new Map(backends.map(({ name, count }) => [name, count])))
  backendMetrics(metrics, backends)
  tableMetrics(metrics, services)
}

function stateMetrics(metrics: Metrics, { self, version, conductor, bytes, outcomes }: BalancerStatus): void {
  const outcome = Object.entries(outcomes).map(([name, packets]) => [[name], packets] as const)
  metrics.counter(`${NAME}_packets_total`, 'Packets by what became of them', ['outcome'], outcome)
  metrics.gauge(`${NAME}_table_version`, 'Number of the table in force', [], [[[], version]])
  metrics.gauge(`${NAME}_memory_bytes`, 'Memory of what packets are looked up and counted in', [], [[[], bytes]])
  const named = (name: string | undefined): Rows => (name === undefined ? [] : [[[name], 1]])
  metrics.gauge(`${NAME}_self_info`, 'The backend that this machine is, always 1', ['backend'], named(self))
  metrics.gauge(
    `${NAME}_conductor_info`,
    'The backend that decides about tables, always 1',
    ['backend'],
    named(conductor),
  )
}

/** What came from outside for each service, or went to each backend. */
function flowMetrics(metrics: Metrics, label: 'service' | 'backend', counts: ReadonlyMap<string, FlowCount>): void {
  const rows = (what: keyof FlowCount): Rows => [...counts].map(([name, count]) => [[name], count[what]])
  const name = `${NAME}_${label}`
  const whose = label === 'service' ? 'for the service' : 'to the backend'
  metrics.counter(`${name}_packets_total`, `Packets from outside ${whose}`, [label], rows('packets'))
  metrics.counter(`${name}_bytes_total`, `Bytes of these, IP headers included`, [label], rows('bytes'))
  metrics.counter(
    `${name}_transition_packets_total`,
    `Packets ${whose} that were looked at here while their bucket was in transition`,
    [label],
    rows('transitions'),
  )
  metrics.counter(
    `${name}_previous_packets_total`,
    `Packets ${whose} that were sent on to the previous owner of their bucket`,
    [label],
    rows('previous'),
  )
}

function backendMetrics(metrics: Metrics, backends: readonly BackendStatus[]): void {
  const gauge = (what: string, help: string, read: (backend: BackendStatus) => number): void =>
    metrics.gauge(
      `${NAME}_backend_${what}`,
      help,
      ['backend'],
      backends.map((backend) => [[backend.name], read(backend)]),
    )
  gauge('up', 'Whether its checks succeed for any of its services', ({ state }) => Number(state !== 'down'))
  gauge('draining', 'Whether it gets no new connections as it was drained', ({ state }) =>
    Number(state === 'draining' || state === 'drained'),
  )
  gauge('weight', 'Its weight in the configuration', ({ weight }) => weight)
}

/**
 * Services with the same backends share a table, which goes by the name of the first. Rows are of tables, not of services: a thousand
 * backends of five hundred services would be a million rows otherwise.
 */
function tableMetrics(metrics: Metrics, services: readonly ServiceStatus[]): void {
  const tables = new Map<string, ServiceStatus>()
  const info = services.map((service) => {
    const key = service.shares.map(({ backend }) => backend).join(' ')
    if (!tables.has(key)) tables.set(key, service)
    return [[service.id, tables.get(key)!.id], 1] as const
  })
  metrics.gauge(`${NAME}_service_info`, 'The table that the service uses, always 1', ['service', 'table'], info)
  const gauge = (what: string, help: string, read: (share: Share) => number): void =>
    metrics.gauge(
      `${NAME}_table_${what}`,
      help,
      ['table', 'backend'],
      [...tables.values()].flatMap(({ id, shares }) => shares.map((one) => [[id, one.backend], read(one)] as const)),
    )
  gauge('buckets', 'Buckets that the backend owns', ({ buckets }) => buckets)
  gauge('previous_buckets', 'Buckets that it owned before, and may have connections of', ({ previous }) => previous)
  gauge('load_factor', 'What load multiplies the weight of the backend with', ({ factor }) => factor)
  gauge('backend_up', 'Whether its checks succeed for the services of the table', ({ down }) => Number(!down))
}
