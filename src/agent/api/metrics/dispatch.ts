import type { BindingStatus, DestinationStatus, DispatchStatus } from '../../../dispatch/index.ts'
import type { Metrics } from './metrics.ts'

const NAME = 'seawall_dispatch'

/** Beyond so many bindings each would be a series that nobody looks at: labels have their sums. */
export const BINDINGS_LISTED = 1_000

/** What bindings and destinations there are, and what they have counted. */
export function dispatchMetrics(metrics: Metrics, status: DispatchStatus, bindings: readonly BindingStatus[]): void {
  const { destinations } = status
  metrics.gauge(`${NAME}_bindings`, 'Bindings in force', [], [[[], status.bindings]])
  const labels = ['label', 'protocol', 'family']
  const of = (read: (destination: DestinationStatus) => number) =>
    destinations.map((one) => [[one.label, one.protocol, `ipv${one.family}`], read(one)] as const)
  metrics.gauge(
    `${NAME}_sockets`,
    'Open sockets of the label',
    labels,
    of(({ sockets }) => sockets.length),
  )
  metrics.gauge(
    `${NAME}_label_bindings`,
    'Bindings that name the label',
    labels,
    of((one) => one.bindings),
  )
  metrics.gauge(
    `${NAME}_generations`,
    'Generations with open sockets: the one that works, those that drain and those that wait',
    labels,
    of(({ sockets }) => new Set(sockets.map(({ generation }) => generation)).size),
  )
  metrics.gauge(
    `${NAME}_working_generation`,
    'Number of the generation that gets what is new, 0 if none does',
    labels,
    of(({ generation }) => generation ?? 0),
  )
  const outcomes = (['dispatched', 'kept', 'missing', 'unusable'] as const).flatMap((outcome) =>
    destinations.map((one) => [[one.label, one.protocol, `ipv${one.family}`, outcome], one[outcome]] as const),
  )
  metrics.counter(
    `${NAME}_lookups_total`,
    'Connections (TCP) or datagrams (UDP) by what became of them: got a socket, kept the one of their flow, found none open, or one that cannot take them',
    [...labels, 'outcome'],
    outcomes,
  )
  metrics.counter(
    `${NAME}_flows_noted_total`,
    'UDP flows that began to stay with a socket as it answered',
    labels,
    of(({ noted }) => noted),
  )
  metrics.counter(
    `${NAME}_binding_lookups_total`,
    'Connections or datagrams that the binding has decided about; of at most 1,000 bindings',
    ['label', 'protocol', 'prefix', 'port'],
    bindings.map(({ label, protocol, prefix, port, count }) => [[label, protocol, prefix, port], count]),
  )
}
