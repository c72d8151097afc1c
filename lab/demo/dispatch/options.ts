import { readSceneOptions, type SceneOptions } from '../options.ts'

export interface DispatchDemoOptions extends SceneOptions {
  /** Seconds that each stage lasts at least. */
  readonly seconds: number
  /** Players of the game that are there all the time. */
  readonly players: number
}

export const USAGE = `Usage: npm run demo -- dispatch [--json] [--seconds N] [--players N] [--svg FILE]

One server on which nginx and a game over UDP have all addresses of prefixes, and are restarted again and again while clients ask and
play: no request fails, and no player reaches a process that does not know him. Needs root.

  --json       one JSON object on the last line: { "stages": [ … ] }
  --seconds N  seconds that each of the six stages lasts at least (default: 4, 2 to 60)
  --players N  players that are there all the time (default: 2000, 50 to 8000)
  --svg FILE   draw the run as a picture
`

/** @throws Error that says which argument is wrong. */
export function readOptions(args: readonly string[]): DispatchDemoOptions {
  const options = readSceneOptions(args, { seconds: [4, 2, 60], players: [2_000, 50, 8_000] })
  return { ...options, players: Math.round(options.players) }
}
