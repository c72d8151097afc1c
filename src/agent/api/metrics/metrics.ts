import { Counter, Gauge, type Registry } from 'prom-client'
import type { Count } from '../../../entry/types.ts'

export type Rows = readonly (readonly [labels: readonly string[], value: number])[]

/** Writes whole metrics, rows and all, into one registry. */
export class Metrics {
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
