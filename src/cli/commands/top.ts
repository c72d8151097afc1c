import { parseDuration } from '../../entry/duration.ts'
import type { CommandSpec } from '../command.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { parseCount } from '../parse-count.ts'
import { parseShare } from '../parse-share.ts'
import type { Session } from '../session.ts'
import { collect } from '../top/collect.ts'
import { formatFrame } from '../top/format.ts'
import type { Frame } from '../top/frame.ts'
import { KEYS, type Key } from '../top/keys.ts'
import { samplesOfOurOwn, samplesOfRules } from '../top/sample-source.ts'

interface TopFlags {
  readonly by: string
  readonly interval: string
  readonly count?: string
  readonly once?: boolean
  readonly most: string
  readonly sample?: string
}

export const top: CommandSpec<TopFlags> = {
  name: 'top',
  summary: 'watch verdicts, rules, sources, ports and sizes live',
  details: `Verdicts, rules and malformed packets are counted. What packets are told apart by is estimated from samples: of
rules such as sample 1/1000 if ip, or, with --sample, of its own as long as it runs. Runs until Ctrl-C, or for
--count intervals; with --json one document with all frames is printed at the end (default: one frame).`,
  group: 'read',
  examples: [
    ['seawall top', 'until Ctrl-C'],
    ['seawall top --by source,ttl --sample 1/100', 'who sends, although no rule samples'],
    ['seawall top --interval 10s --count 6 --json', 'a minute of figures for a program'],
  ],
  define: (command) =>
    void command
      .option('--by <keys>', `what to tell packets apart by: ${KEYS.join(', ')}`, 'source,destination,port')
      .option('--interval <duration>', 'time between two frames', '1s')
      .option('--count <n>', 'frames to show (default: until Ctrl-C, or 1 with --json)')
      .option('--once', 'one frame')
      .option('--most <n>', 'lines of each key', '5')
      .option('--sample <1/n>', 'take samples of its own, one packet of n'),
  async run(session, { options }) {
    const count = countOf(session, options)
    const every = options.sample === undefined ? undefined : parseShare('--sample', options.sample)
    const wanted = {
      by: readKeys(options.by),
      most: parseCount('--most', options.most, 1_000),
      intervalMs: parseDuration(options.interval),
    }
    const { signal, now } = session.env
    const control = await session.control()
    const samples = every === undefined ? samplesOfRules(control) : samplesOfOurOwn(session, control, every)
    const frames: Frame[] = []
    let seen = 0
    for await (const frame of collect(control, { ...wanted, samples, signal, now })) {
      seen += 1
      if (session.json) frames.push(frame)
      else show(session, frame, seen > 1)
      if (seen >= count) break
    }
    if (session.json) session.result({ frames }, () => '')
    return exitCodes.ok
  },
}

function countOf({ json }: Session, { count, once }: TopFlags): number {
  if (count !== undefined) return parseCount('--count', count, 1_000_000)
  return json || once === true ? 1 : Number.POSITIVE_INFINITY
}

function readKeys(text: string): Key[] {
  const names = text.split(',').map((name) => name.trim())
  const wrong = names.find((name) => !KEYS.some((key) => key === name))
  if (wrong === undefined) return KEYS.filter((key) => names.includes(key))
  throw usageError(`Cannot use --by "${text}": found "${wrong}", wanted some of ${KEYS.join(', ')}`)
}

/** On a terminal a frame takes the place of the one before. */
function show(session: Session, frame: Frame, again: boolean): void {
  const { stdout } = session.env
  const text = formatFrame(session, frame)
  stdout.write(stdout.isTTY ? `\u001b[H\u001b[2J${text}` : `${again ? '\n' : ''}${text}`)
}
