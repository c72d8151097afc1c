/** `npm run demo -- dispatch`: servers that are restarted while clients ask and play. */
import { report, requireRoot } from '../report.ts'
import { Screen } from '../screen.ts'
import { Edge } from './edge.ts'
import { readOptions, USAGE } from './options.ts'
import { view } from './picture.ts'
import { broken } from './promise.ts'
import { Story } from './story.ts'
import { svg } from './svg.ts'
import { sentences, table } from './table.ts'
import type { Timeline } from './timeline.ts'

const INTRODUCTION = `A server in a network namespace, on which dispatch gives whole prefixes to nginx and to a game over UDP that knows its players.
Clients: curl, which always asks for another address and port, and players, over IPv4 and IPv6. Servers are restarted meanwhile.`

/** Returns the exit code: 0 if no promise was broken. */
export async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args)
  if (options.help) {
    process.stdout.write(USAGE)
    return 0
  }
  requireRoot()
  const screen = new Screen<Timeline>(process.stdout, view)
  screen.say(INTRODUCTION)
  const edge = new Edge()
  const story = new Story(edge, options, (timeline) => screen.update(timeline))
  try {
    await story.play()
  } finally {
    await edge.close()
  }
  const { timeline, stages } = story
  return report(screen, options, {
    text: `${table(stages)}\n${sentences(stages).join('\n')}`,
    broken: broken(stages, options.players),
    figures: { stages },
    svg: () => svg(timeline, stages),
  })
}
