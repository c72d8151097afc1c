import { parseArgs } from 'node:util'

export interface DemoOptions {
  /** Seconds of each phase. */
  readonly seconds: number
  /** One JSON object on the last line. */
  readonly json: boolean
  /** Where to draw the run. */
  readonly svg?: string
  /** Attack packets a second. */
  readonly rate: number
  readonly help: boolean
}

export const USAGE = `Usage: npm run demo [-- --json] [--seconds N] [--svg FILE] [--rate N]
       npm run demo -- balancer [--help]

A point of presence in network namespaces under a real attack, before and with Seawall; or servers that join and
leave under load. Needs root.

  --json       one JSON object on the last line: { "phases": [ … ] }
  --seconds N  seconds of each phase (default: 7, 3 to 60)
  --svg FILE   draw the run as a picture
  --rate N     attack packets a second (default: 600000, 1000 to 2000000)
`

/** @throws Error that says which argument is wrong. */
export function readOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '7' },
      rate: { type: 'string', default: '600000' },
      svg: { type: 'string' },
    },
  })
  return {
    json: values.json,
    help: values.help,
    seconds: readNumber('--seconds', values.seconds, 3, 60),
    rate: readNumber('--rate', values.rate, 1000, 2_000_000),
    ...(values.svg === undefined ? {} : { svg: values.svg }),
  }
}

export function readNumber(name: string, text: string, from: number, to: number): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= from && value <= to) return value
  throw new Error(`Cannot read ${name} "${text}": wanted a number from ${from} to ${to}`)
}
