import { parseArgs } from 'node:util'

/** What every scene can be told. */
export interface SceneOptions {
  /** One JSON object on the last line. */
  readonly json: boolean
  /** Where to draw the run. */
  readonly svg?: string
  readonly help: boolean
}

export interface DemoOptions extends SceneOptions {
  /** Seconds of each phase. */
  readonly seconds: number
  /** Attack packets a second. */
  readonly rate: number
}

export const USAGE = `Usage: npm run demo [-- --json] [--seconds N] [--svg FILE] [--rate N]
       npm run demo -- balancer [--help]
       npm run demo -- dispatch [--help]

A point of presence in network namespaces under a real attack, before and with Seawall; or servers that join and
leave under load; or servers that are restarted under load. Needs root.

  --json       one JSON object on the last line: { "phases": [ … ] }
  --seconds N  seconds of each phase (default: 7, 3 to 60)
  --svg FILE   draw the run as a picture
  --rate N     attack packets a second (default: 600000, 1000 to 2000000)
`

/** @throws Error that says which argument is wrong. */
export function readOptions(args: readonly string[]): DemoOptions {
  return readSceneOptions(args, { seconds: [7, 3, 60], rate: [600_000, 1000, 2_000_000] })
}

/** What a number is unless it is told, and from where to where it may go. */
type Range = readonly [usual: number, from: number, to: number]

/**
 * Reads what every scene can be told, and numbers of its own by their names.
 *
 * @throws Error that says which argument is wrong.
 */
export function readSceneOptions<Name extends string>(
  args: readonly string[],
  ranges: Readonly<Record<Name, Range>>,
): SceneOptions & Readonly<Record<Name, number>> {
  const names = Object.keys(ranges) as Name[]
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean' },
      help: { type: 'boolean' },
      svg: { type: 'string' },
      ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
    },
  })
  const { json = false, help = false, svg } = values
  const texts = values as Readonly<Record<string, string | undefined>>
  const numbers = Object.fromEntries(names.map((name) => [name, readNumber(name, texts[name], ranges[name])]))
  return { json, help, ...(svg === undefined ? {} : { svg }), ...(numbers as Record<Name, number>) }
}

function readNumber(name: string, text: string | undefined, [usual, from, to]: Range): number {
  if (text === undefined) return usual
  const value = Number(text)
  if (text.trim() !== '' && value >= from && value <= to) return value
  throw new Error(`Cannot read --${name} "${text}": wanted a number from ${from} to ${to}`)
}
