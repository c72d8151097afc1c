import { parseArgs } from 'node:util'
import { readNumber } from '../options.ts'

export interface BalancerDemoOptions {
  /** Seconds that each stage lasts at least. */
  readonly seconds: number
  /** Connections that are open all the time. */
  readonly connections: number
  /** One JSON object on the last line. */
  readonly json: boolean
  /** Where to draw the run. */
  readonly svg?: string
  readonly help: boolean
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
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '5' },
      connections: { type: 'string', default: '1000' },
      svg: { type: 'string' },
    },
  })
  return {
    json: values.json,
    help: values.help,
    seconds: readNumber('--seconds', values.seconds, 1, 60),
    connections: Math.round(readNumber('--connections', values.connections, 10, 4_000)),
    ...(values.svg === undefined ? {} : { svg: values.svg }),
  }
}
