import type { Netns } from '../../src/linux/netns.ts'
import { ended, start } from '../../src/linux/process.ts'

/** What clients of wrk saw. */
export interface WrkReport {
  readonly requestsPerSecond: number
  /** Milliseconds of a request, half of them and 99 %. */
  readonly p50: number
  readonly p99: number
}

const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000 }

/**
 * So many connections that ask for so many seconds, each at once when it has been answered.
 *
 * @throws Error if there was any failure
 */
export async function runWrk(
  netns: Netns,
  url: string,
  {
    connections,
    seconds,
    headers,
  }: { readonly connections: number; readonly seconds: number; readonly headers: readonly string[] },
): Promise<WrkReport> {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', ...headers.flatMap((one) => ['-H', one]), url]
  const { stdout, stderr, code } = await ended(start('wrk', args, { netns, stdio: 'pipe' }))
  const errors = /Socket errors: .*|Non-2xx.*/.exec(stdout)?.[0]
  if (code !== 0 || errors !== undefined) throw new Error(`Cannot measure: ${errors ?? stderr}`)
  return {
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)![1]),
    p50: latency(stdout, 50),
    p99: latency(stdout, 99),
  }
}

function latency(text: string, percent: number): number {
  const [, value, unit] = new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s)$`, 'm').exec(text)!
  return Number(value) * UNITS[unit!]!
}
