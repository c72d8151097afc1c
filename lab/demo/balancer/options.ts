import { readSceneOptions, type SceneOptions } from '../options.ts'

export interface BalancerDemoOptions extends SceneOptions {
  /** Seconds that each stage lasts at least. */
  readonly seconds: number
  /** Connections that are open all the time. */
  readonly connections: number
}

export const USAGE = `Usage: npm run demo -- balancer [--json] [--seconds N] [--connections N] [--svg FILE]

Three servers, each balancer and application at once, behind a router that spreads connections over them by ECMP. They join and
leave while connections talk, and no connection is lost. Needs root.

  --json           one JSON object on the last line: { "stages": [ … ] }
  --seconds N      seconds that each of the eight stages lasts at least (default: 5, 1 to 60)
  --connections N  connections that are open all the time (default: 1000, 10 to 4000)
  --svg FILE       draw the run as a picture
`

/** @throws Error that says which argument is wrong. */
export function readOptions(args: readonly string[]): BalancerDemoOptions {
  const options = readSceneOptions(args, { seconds: [5, 1, 60], connections: [1000, 10, 4_000] })
  return { ...options, connections: Math.round(options.connections) }
}
