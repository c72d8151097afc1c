import type { Request } from './clients.ts'

/** What became of some requests. Latencies are of the answered ones, `null` when there are none. */
export interface Summary {
  readonly sent: number
  readonly answered: number
  readonly latencyMsP50: number | null
  readonly latencyMsP99: number | null
}

export function summarize(requests: readonly Request[]): Summary {
  const latencies = requests.filter((request) => request.answered).map((request) => request.latencyMs)
  latencies.sort((a, b) => a - b)
  return {
    sent: requests.length,
    answered: latencies.length,
    latencyMsP50: percentile(latencies, 50),
    latencyMsP99: percentile(latencies, 99),
  }
}

/** The smallest value that at least so many percent of the sorted values do not exceed, to a microsecond. */
export function percentile(sorted: readonly number[], percent: number): number | null {
  const value = sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)]
  return value === undefined ? null : Math.round(value * 1000) / 1000
}
