import type { CommandSpec } from '../command.ts'
import { parseDuration } from '../duration.ts'
import { exitCodes } from '../exit-codes.ts'
import { parseCount } from '../parse-count.ts'
import type { Session } from '../session.ts'
import { collect } from '../top/collect.ts'
import { formatFrame } from '../top/format.ts'
import type { Frame } from '../top/frame.ts'

interface TopFlags {
  readonly interval: string
  readonly count?: string
  readonly talkers: string
}

export const top: CommandSpec<TopFlags> = {
  name: 'top',
  summary: 'watch verdicts, rules and talkers live',
  details: `Talkers are estimated from samples, so they need a rule such as: sample 1/1000 if ip. Runs until Ctrl-C, or for
--count intervals; with --json one document with all frames is printed at the end (default: one frame).`,
  group: 'read',
  examples: [
    ['seawall top', 'until Ctrl-C'],
    ['seawall top --interval 10s --count 6 --json', 'a minute of figures for a program'],
  ],
  define: (command) =>
    void command
      .option('--interval <duration>', 'time between two frames', '1s')
      .option('--count <n>', 'frames to show (default: until Ctrl-C, or 1 with --json)')
      .option('--talkers <n>', 'talkers of a frame', '10'),
  async run(session, { options }) {
    const count = options.count === undefined ? defaultCount(session) : parseCount('--count', options.count, 1_000_000)
    const control = await session.control()
    const { signal, now } = session.env
    const wanted = {
      intervalMs: parseDuration(options.interval),
      talkers: parseCount('--talkers', options.talkers, 1_000),
      signal,
      now,
    }
    const frames: Frame[] = []
    let seen = 0
    for await (const frame of collect(control, wanted)) {
      seen += 1
      if (session.json) frames.push(frame)
      else show(session, frame, seen > 1)
      if (seen >= count) break
    }
    if (session.json) session.result({ frames }, () => '')
    return exitCodes.ok
  },
}

function defaultCount({ json }: Session): number {
  return json ? 1 : Number.POSITIVE_INFINITY
}

/** On a terminal a frame takes the place of the one before. */
function show(session: Session, frame: Frame, again: boolean): void {
  const { stdout } = session.env
  const text = formatFrame(session, frame)
  stdout.write(stdout.isTTY ? `\u001b[H\u001b[2J${text}` : `${again ? '\n' : ''}${text}`)
}
